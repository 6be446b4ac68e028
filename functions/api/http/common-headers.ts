/** Headers of every answer. Caches must not store an answer, and browsers must not guess its media type. */
export const commonHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' } as const;
