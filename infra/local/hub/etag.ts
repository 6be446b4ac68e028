/** Entity tags: IoT Hub's formats, and the comparison with `If-Match` (RFC 7232, section 3.1). */
import { randomInt } from 'node:crypto';
import { HubError } from './errors.ts';

/** The condition of a write: none (`undefined`), the resource exists (`*`), or the resource has this ETag. */
export type IfMatch = undefined | '*' | { readonly etag: string };

/** Reads an `If-Match` header. Accepts quoted, weak and bare tags, and a quoted star, which SDKs send. */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return undefined;
  const etag = header
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
  return etag === '*' ? '*' : { etag };
}

/** Throws 412 if `current` does not meet the condition. */
export function checkIfMatch(ifMatch: IfMatch, current: string): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch.etag === current) return;
  throw new HubError('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.');
}

/** A new ETag for a device or module identity: a decimal number in Base64, as in Azure. Example: `NjgzMzQ1MzQ1`. */
export function newIdentityEtag(): string {
  return Buffer.from(String(randomInt(100_000_000, 1_000_000_000))).toString('base64');
}

/** The ETag of a twin: the number of service-side writes as eight bytes in Base64. A new twin has `AAAAAAAAAAE=`. */
export function twinEtag(writes: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(writes));
  return bytes.toString('base64');
}
