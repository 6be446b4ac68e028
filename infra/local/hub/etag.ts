/** Entity tags: how IoT Hub writes them and how `If-Match` is compared. RFC 7232, section 3.1. */
import { randomInt } from 'node:crypto';
import { HubError } from './errors.ts';

/** What a request demands of the current state: nothing, that it exists (`*`), or that it has this tag. */
export type IfMatch = undefined | '*' | { readonly etag: string };

/** Reads an `If-Match` header, quoted, weak or bare. SDKs quote the star, too. */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return undefined;
  const etag = header
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
  return etag === '*' ? '*' : { etag };
}

/** Throws 412 unless the current tag is the one demanded. */
export function checkIfMatch(ifMatch: IfMatch, current: string): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch.etag === current) return;
  throw new HubError('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.');
}

/** A tag for a device or module identity: Azure's are a decimal number in Base64, like `NjgzMzQ1MzQ1`. */
export function newIdentityEtag(): string {
  return Buffer.from(String(randomInt(100_000_000, 1_000_000_000))).toString('base64');
}

/** The tag of a twin: the number of its service-side writes as eight bytes in Base64; `AAAAAAAAAAE=` at creation. */
export function twinEtag(writes: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(writes));
  return bytes.toString('base64');
}
