import { once } from 'node:events';

/** Writes to standard output, and waits for a slow reader. Resolves with false when the reader has gone, as in `… | head -1`. */
export async function print(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.writable) return false;
  if (!stdout.write(text)) {
    // A lost stream closes and never drains.
    await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {});
  }
  return stdout.writable;
}
