import { once } from 'node:events';

/**
 * Writes to standard output, and waits while its reader is slower. False when nobody reads any more, as in `… | head -1`: that is the end
 * of the work.
 */
export async function print(text: string): Promise<boolean> {
  const { stdout } = process;
  if (!stdout.writable) return false;
  if (!stdout.write(text)) {
    // A stream that is lost never drains.
    await Promise.race([once(stdout, 'drain'), once(stdout, 'close')]).catch(() => {});
  }
  return stdout.writable;
}
