import { once } from 'node:events';

/**
 * Writes a text to standard output, and waits while the program that reads the output is slow. Resolves with false when that program has
 * ended, as in `twinkeeper drift | head -1`.
 */
export async function print(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.writable) return false;
  if (!stdout.write(text)) {
    // When the reading program has ended, the stream emits `close` and never `drain`.
    await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {});
  }
  return stdout.writable;
}
