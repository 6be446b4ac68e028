/** A line of a text file, without its end. */
export interface Line {
  readonly text: string;
  /** The byte offset at which the next line starts. */
  readonly next: number;
}

/** Maximum number of bytes of one line. */
const longestLine = 1024 * 1024;

const lineFeed = 0x0a;

/**
 * Splits a stream of UTF-8 bytes into lines that end with a line feed. Leaves out empty lines and carriage returns. A last line without a line
 * feed counts too.
 *
 * @param from the byte offset of the first byte, for the offsets of the lines
 * @throws {RangeError} for a line that is too long
 */
export async function* splitLines(chunks: AsyncIterable<string | Uint8Array>, from = 0): AsyncIterable<Line> {
  let parts: Uint8Array[] = [];
  let length = 0;
  let next = from;
  const take = (): readonly Line[] => {
    const text = Buffer.concat(parts).toString().replace(/\r$/, '');
    parts = [];
    length = 0;
    return text === '' ? [] : [{ text, next }];
  };
  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let start = 0;
    for (let end = bytes.indexOf(lineFeed); end >= 0; end = bytes.indexOf(lineFeed, start)) {
      parts.push(bytes.subarray(start, end));
      next += end + 1 - start;
      start = end + 1;
      yield* take();
    }
    const rest = bytes.subarray(start);
    parts.push(rest);
    length += rest.length;
    next += rest.length;
    if (length > longestLine) throw new RangeError(`A line of the file is longer than ${longestLine} bytes.`);
  }
  yield* take();
}
