/**
 * Makes a function that runs `work` at most once at a time for each key. A call with a key for which the work already runs gets the promise
 * of that work.
 */
export function shareRunning<T>(work: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const running = new Map<string, Promise<T>>();
  return (key) => {
    const current = running.get(key);
    if (current !== undefined) return current;
    const started = work(key).finally(() => running.delete(key));
    running.set(key, started);
    return started;
  };
}
