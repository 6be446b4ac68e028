/** ETags (entity tags): the formats of IoT Hub, and the comparison with the header `If-Match` (RFC 7232, section 3.1). */
import { randomInt } from 'node:crypto';
import { HubError } from './errors.ts';

/** The condition of a write: no condition (`undefined`), the resource must exist (`*`), or the resource must have this ETag. */
export type IfMatch = undefined | '*' | { readonly etag: string };

/** Reads the header `If-Match`. Accepts quoted, unquoted and weak ETags. Also accepts a star in quotes, because SDKs send it. */
export function parseIfMatch(header: string | undefined): IfMatch {
  if (header === undefined) return undefined;
  const etag = header
    .trim()
    .replace(/^W\//, '')
    .replace(/^"(.*)"$/, '$1');
  return etag === '*' ? '*' : { etag };
}

/** Throws 412 if a resource with the ETag `current` does not meet the condition. */
export function checkIfMatch(ifMatch: IfMatch, current: string): void {
  if (ifMatch === undefined || ifMatch === '*' || ifMatch.etag === current) return;
  throw new HubError('PreconditionFailed', 'PreconditionFailed, ETag may be invalid.');
}

/** Creates an ETag for a device or module identity: a random decimal number in Base64, in the format of Azure. Example: `NjgzMzQ1MzQ1`. */
export function newIdentityEtag(): string {
  return Buffer.from(String(randomInt(100_000_000, 1_000_000_000))).toString('base64');
}

/** The ETag of a twin after `writes` writes of services: this number as eight bytes in Base64. A new twin has the ETag `AAAAAAAAAAE=`. */
export function twinEtag(writes: number): string {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64BE(BigInt(writes));
  return bytes.toString('base64');
}
