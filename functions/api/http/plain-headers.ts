/** What is asked for is of this moment and of nobody else's business, and is what it says that it is. */
export const plainHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;
