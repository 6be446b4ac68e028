/**
 * Returns a function that opens a resource on its first call. Each later call returns the same promise. When opening has failed, the next
 * call opens the resource again.
 */
export function once<T>(open: () => Promise<T>): () => Promise<T> {
  let opening: Promise<T> | undefined;
  return () => {
    opening ??= open().catch((error: unknown) => {
      opening = undefined;
      throw error;
    });
    return opening;
  };
}
