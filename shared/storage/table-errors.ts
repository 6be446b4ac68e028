/** The HTTP status of an error from the storage service, or `undefined` when there is none. */
export function statusOf(error: unknown): unknown {
  return (error as { readonly statusCode?: unknown } | undefined)?.statusCode;
}

/** True when the entity does not exist. False when the whole table does not exist. */
export function isEntityNotFound(error: unknown): boolean {
  return statusOf(error) === 404 && (error as { readonly code?: unknown }).code !== 'TableNotFound';
}

/** A handler for `catch`. Returns `undefined` when the entity does not exist, and throws any other error again. */
export function ignoreNotFound(error: unknown): undefined {
  if (!isEntityNotFound(error)) throw error;
}
