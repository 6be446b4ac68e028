import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';

/** A file that is written piece by piece, with its hash. */
export interface CountedFile {
  /** Writes a text. Resolves when the next one may be written, so that a slow disk bounds the memory. */
  write(text: string, rows?: number): Promise<void>;
  /** Ends the file, and tells its number of rows and its SHA-256. */
  end(): Promise<{ readonly rows: number; readonly sha256: string }>;
  /** Ends the file after an error. */
  destroy(): Promise<void>;
}

/** Opens a new file. */
export async function createCountedFile(path: string): Promise<CountedFile> {
  const stream = createWriteStream(path, { flags: 'w' });
  const hash = createHash('sha256');
  let rows = 0;
  await once(stream, 'open');
  let failure: Error | undefined;
  stream.on('error', (error) => {
    failure = error;
  });
  return {
    async write(text, count = 0) {
      if (failure !== undefined) throw failure;
      rows += count;
      hash.update(text);
      // An error of the stream, such as a full disk, ends the wait.
      if (!stream.write(text)) await once(stream, 'drain');
    },
    async end() {
      stream.end();
      if (!stream.closed) await once(stream, 'close');
      if (failure !== undefined) throw failure;
      return { rows, sha256: hash.digest('hex') };
    },
    async destroy() {
      stream.destroy();
      if (!stream.closed) await once(stream, 'close').catch(() => {});
    },
  };
}
