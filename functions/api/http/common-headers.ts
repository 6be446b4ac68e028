/** Headers of every answer of the API. They forbid caches to store the answer, and browsers to guess its media type. */
export const commonHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;
