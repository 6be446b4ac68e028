/** The hub's keys and certificates: made at first start, kept in a folder that only its owner can read. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { generate } from 'selfsigned';
import type { SasPolicy } from './sas.ts';

/** The policy of everybody who administers the hub. */
export const OWNER_POLICY = 'iothubowner';
/** Twinkeeper's own, so that its calls can be told from everybody else's. */
export const TWINKEEPER_POLICY = 'twinkeeper';
/** The policy of those who read events. */
export const EVENTS_POLICY = 'service';

const POLICIES = [OWNER_POLICY, TWINKEEPER_POLICY, EVENTS_POLICY] as const;

const DAY = 24 * 60 * 60 * 1000;

export interface Credentials {
  /** The base64 key of each shared access policy. */
  readonly keys: Readonly<Record<(typeof POLICIES)[number], string>>;
  readonly tls: { readonly key: string; readonly cert: string };
  /** Absolute path of the certificate authority's PEM file, for clients to trust. */
  readonly caFile: string;
}

interface Kept {
  readonly keys: Credentials['keys'];
  readonly ca: string;
  readonly tls: Credentials['tls'];
}

/** The policies that may call the service API. */
export function servicePolicies({ keys }: Credentials): readonly SasPolicy[] {
  return ([OWNER_POLICY, TWINKEEPER_POLICY] as const).map((name) => ({ name, key: keys[name] }));
}

/**
 * Reads the credentials in this folder, and makes what is missing or about to expire. The certificate authority's private key is
 * forgotten as soon as the one certificate is signed: nobody can ever misuse it.
 */
export async function loadCredentials(folder: string): Promise<Credentials> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'hub-credentials.json');
  const caFile = resolve(folder, 'ca.pem');
  const before = await read(file);
  const kept: Kept = {
    keys: { ...(Object.fromEntries(POLICIES.map((name) => [name, newKey()])) as Credentials['keys']), ...before?.keys },
    ...(before !== undefined && isFresh(before) ? { ca: before.ca, tls: before.tls } : await makeCertificates()),
  };
  await write(file, JSON.stringify(kept, undefined, 2));
  await write(caFile, kept.ca);
  return { keys: kept.keys, tls: kept.tls, caFile };
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}

function isFresh({ ca, tls }: Kept): boolean {
  return [ca, tls.cert].every((pem) => new X509Certificate(pem).validToDate.getTime() > Date.now() + 30 * DAY);
}

async function makeCertificates(): Promise<Pick<Kept, 'ca' | 'tls'>> {
  const validity = { notBeforeDate: new Date(Date.now() - DAY), notAfterDate: new Date(Date.now() + 800 * DAY) };
  const kind = { keyType: 'ec', algorithm: 'sha256', ...validity } as const;
  const ca = await generate([{ name: 'commonName', value: `Twinkeeper local hub ${randomBytes(4).toString('hex')}` }], {
    ...kind,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: 'localhost' }], {
    ...kind,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  });
  return { ca: ca.cert, tls: { key: leaf.private, cert: leaf.cert } };
}

async function read(file: string): Promise<Kept | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const kept = JSON.parse(text) as Kept;
    new X509Certificate(kept.ca);
    new X509Certificate(kept.tls.cert);
    return kept;
  } catch {
    throw new Error(`${file} is spoilt: delete it, and new keys and certificates are made at the next start.`);
  }
}

// Never half a file, and never one that others could read for a moment.
async function write(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(unfinished, text, { mode: 0o600 });
  await rename(unfinished, file);
}
