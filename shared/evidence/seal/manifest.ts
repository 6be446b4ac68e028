import { createHash } from 'node:crypto';
import * as z from 'zod/mini';

/** The container of the sealed days. The deployment makes it with a policy that forbids changes, see `protectHistory`. */
export const sealedContainer = 'sealed-history';

/** What the files of a day hold. */
export const contents = ['rows', 'transitions', 'open', 'actions'] as const;
export type Content = (typeof contents)[number];

const count = z.int().check(z.nonnegative());
const sha256 = z.string().check(z.regex(/^[0-9a-f]{64}$/));
const day = z.string().check(z.regex(/^\d{4}-\d\d-\d\d$/));

const sealedFile = z.object({
  content: z.enum(contents),
  /** The name of the blob. It has the first characters of the hash, so that no two files with different bytes have the same name. */
  name: z.string().check(z.regex(/^files\/[a-z0-9/.-]+$/)),
  lines: count,
  bytes: count,
  /** The bytes before the compression. */
  textBytes: count,
  sha256,
});

const manifestSchema = z.object({
  format: z.literal(1),
  hub: z.string(),
  day,
  /** The begin of the sealed time, ISO 8601. `null` in the first seal: it has all that happened before its end. */
  from: z.nullable(z.string()),
  to: z.string(),
  sealedAt: z.string(),
  appVersion: z.string(),
  /** `null` in the first seal. */
  previous: z.nullable(z.object({ day, sha256 })),
  /** The first hour whose rows the retention had left whole. `''` when it had removed none. */
  retainedSince: z.string(),
  counts: z.object({ rows: count, transitions: count, open: count, actions: count }),
  files: z.array(sealedFile),
});

/** One file of a sealed day. */
export type SealedFile = z.output<typeof sealedFile>;

/** What was sealed for a day. */
export type Manifest = z.output<typeof manifestSchema>;

/** Maximum number of bytes of a manifest that is read. A day has some files. */
export const longestManifest = 4_000_000;

const folder = 'manifests/';
export const manifestFolder = folder;

/** The name of the blob with the manifest of a day. */
export function manifestName(of: string): string {
  return `${folder}${of}.json`;
}

/** The day in the name of a manifest. `undefined` for any other name. */
export function dayOfManifest(name: string): string | undefined {
  return /^manifests\/(\d{4}-\d\d-\d\d)\.json$/.exec(name)?.[1];
}

/** The name of a file with these bytes. */
export function fileName(of: string, content: Content, part: number, hash: string): string {
  return `files/${of}/${content}-${String(part).padStart(4, '0')}-${hash.slice(0, 32)}.ndjson.gz`;
}

/** The SHA-256 of bytes, in hexadecimal digits. */
export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes of a manifest. Ends with a line break, as text files do. */
export function manifestBytes(manifest: Manifest): Buffer {
  return Buffer.from(`${JSON.stringify(manifest, null, 2)}\n`);
}

/** Reads the bytes of a manifest. `undefined` when they are not a manifest. */
export function readManifest(bytes: Buffer): Manifest | undefined {
  try {
    const { data } = z.safeParse(manifestSchema, JSON.parse(bytes.toString('utf8')));
    return data;
  } catch {
    return undefined;
  }
}
