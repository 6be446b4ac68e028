import { promisify } from 'node:util';
import { toJsonText } from './json-text.ts';

/** A value as compressed JSON. `node:zlib` is loaded on first use: most invocations have nothing to put aside. */
export async function packJson(value: unknown): Promise<Buffer> {
  const { gzip } = await import('node:zlib');
  return promisify(gzip)(toJsonText(value));
}

/** Undoes {@link packJson}. Throws when `packed` is not what that made. */
export async function unpackJson(packed: Uint8Array): Promise<unknown> {
  const { gunzip } = await import('node:zlib');
  return JSON.parse((await promisify(gunzip)(packed)).toString()) as unknown;
}
