/** The HTTP status of an error from Azure Storage. `undefined` when the error has no status. */
export function statusOf(error: unknown): unknown {
  return (error as { readonly statusCode?: unknown } | undefined)?.statusCode;
}

/**
 * True when an error of Table Storage says that the entity does not exist. False for any other error, also when the whole table does not
 * exist.
 */
export function isEntityNotFound(error: unknown): boolean {
  return statusOf(error) === 404 && (error as { readonly code?: unknown }).code !== 'TableNotFound';
}

/**
 * A handler for the `catch` of a promise. Returns `undefined` when the error says that the entity does not exist. Throws any other error
 * again.
 */
export function ignoreNotFound(error: unknown): undefined {
  if (!isEntityNotFound(error)) throw error;
}
