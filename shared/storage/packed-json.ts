import { promisify } from 'node:util';
import { toJsonText } from './json-text.ts';

/**
 * Writes a value as JSON and compresses the text with gzip. `node:zlib` is loaded on the first call, because most invocations of the app
 * compress nothing.
 */
export async function packJson(value: unknown): Promise<Buffer> {
  const { gzip } = await import('node:zlib');
  return promisify(gzip)(toJsonText(value));
}

/** Reads a value that {@link packJson} wrote. Throws when the bytes are not gzip, or when the text is not JSON. */
export async function unpackJson(packed: Uint8Array): Promise<unknown> {
  const { gunzip } = await import('node:zlib');
  return JSON.parse((await promisify(gunzip)(packed)).toString()) as unknown;
}
