import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { WriteOnceBlobs } from '../../storage/index.ts';
import { type Content, fileName, type SealedFile, sha256Of } from './manifest.ts';

/** Characters of lines after which a file ends and the next one begins. So neither the writer nor a reader needs memory for a whole day. */
const charactersPerFile = 4_000_000;
/** Maximum bytes of a file after its decompression. A line can make a file somewhat longer than {@link charactersPerFile}. */
const longestText = 64_000_000;

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** The file of a day is not the one that its manifest names. */
export class FileFault extends Error {
  override readonly name = 'FileFault';
  readonly fault: 'missing' | 'changed';
  constructor(fault: 'missing' | 'changed', message: string) {
    super(message);
    this.fault = fault;
  }
}

/** Writes the lines of one content of a day into files, one after the other. The same lines give the same files. */
export class LineWriter {
  readonly #blobs: WriteOnceBlobs;
  readonly #day: string;
  readonly #content: Content;
  readonly #files: SealedFile[] = [];
  #lines: string[] = [];
  #characters = 0;

  constructor(blobs: WriteOnceBlobs, day: string, content: Content) {
    this.#blobs = blobs;
    this.#day = day;
    this.#content = content;
  }

  async add(line: object): Promise<void> {
    const text = `${JSON.stringify(line)}\n`;
    this.#lines.push(text);
    this.#characters += text.length;
    if (this.#characters >= charactersPerFile) await this.#write();
  }

  /** Writes the last lines. Returns all files. */
  async end(): Promise<readonly SealedFile[]> {
    if (this.#lines.length > 0) await this.#write();
    return this.#files;
  }

  async #write(): Promise<void> {
    const text = Buffer.from(this.#lines.join(''));
    const bytes = await compress(text, { level: 9 });
    // The header of gzip names the operating system, and has no time. 255: unknown. So the same lines give the same bytes.
    bytes[9] = 255;
    const sha256 = sha256Of(bytes);
    const name = fileName(this.#day, this.#content, this.#files.length + 1, sha256);
    const file: SealedFile = {
      ...{ content: this.#content, name, lines: this.#lines.length },
      ...{ bytes: bytes.length, textBytes: text.length, sha256 },
    };
    // A run that was interrupted may have written the file already.
    if ((await this.#blobs.write(name, bytes)) === 'exists') await readFile(this.#blobs, file);
    this.#files.push(file);
    this.#lines = [];
    this.#characters = 0;
  }
}

/**
 * Reads a file of a day as text.
 * @throws {FileFault} when the file is missing, or its bytes are not those that the manifest names
 */
async function readFile(blobs: WriteOnceBlobs, { name, bytes, sha256 }: SealedFile): Promise<string> {
  const stored = await blobs.read(name, bytes);
  if (stored === undefined) throw new FileFault('missing', `The file ${name} is missing.`);
  if (stored === 'tooLong') throw new FileFault('changed', `The file ${name} has more bytes than its manifest says.`);
  const found = sha256Of(stored);
  if (found !== sha256) {
    throw new FileFault('changed', `The file ${name} has the SHA-256 ${found}, and its manifest says ${sha256}.`);
  }
  try {
    return (await decompress(stored, { maxOutputLength: longestText })).toString('utf8');
  } catch {
    throw new FileFault('changed', `The file ${name} cannot be decompressed.`);
  }
}

/**
 * Reads the lines of files, in order. Keeps one file in memory.
 * @throws {FileFault} when a file is missing, or its bytes are not those that the manifest names
 */
export async function* readLines<T>(blobs: WriteOnceBlobs, files: readonly SealedFile[]): AsyncGenerator<T> {
  for (const file of files) {
    const lines = (await readFile(blobs, file)).split('\n').filter((line) => line !== '');
    if (lines.length !== file.lines) {
      throw new FileFault(
        'changed',
        `The file ${file.name} has ${lines.length} lines, and its manifest says ${file.lines}.`,
      );
    }
    for (const line of lines) yield parseLine<T>(file.name, line);
  }
}

function parseLine<T>(name: string, line: string): T {
  try {
    return JSON.parse(line) as T;
  } catch {
    throw new FileFault('changed', `The file ${name} has a line that is not JSON.`);
  }
}
