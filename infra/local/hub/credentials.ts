/** The hub's keys and certificates. The first start creates them and stores them in a folder that only its owner can read. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join, resolve } from 'node:path';
import { type AccessRight, accessRights } from './access.ts';
import type { SasPolicy } from './sas.ts';

/** Shared access policy with all rights. */
export const ownerPolicy = 'iothubowner';
/** Shared access policy of the people who operate the hub, and of the demo fleet. */
export const operatorPolicy = 'operator';
/** Shared access policy that only Twinkeeper uses, so that the hub counts Twinkeeper's calls separately. */
export const twinkeeperPolicy = 'twinkeeper';
/** Shared access policy of the clients that read events. */
export const eventsPolicy = 'service';

/**
 * The rights of each shared access policy. Those of IoT Hub's default policies come from "Control access to IoT Hub with shared access
 * signatures". The policies `operator` and `twinkeeper` have only the rights that their clients need.
 */
const policyRights = {
  [ownerPolicy]: accessRights,
  [eventsPolicy]: ['service'],
  device: ['device'],
  registryRead: ['registryRead'],
  registryReadWrite: ['registryRead', 'registryWrite'],
  [operatorPolicy]: ['registryRead', 'registryWrite', 'service'],
  [twinkeeperPolicy]: ['registryRead', 'registryWrite', 'service'],
} as const satisfies Record<string, readonly AccessRight[]>;

/** The name of a shared access policy of the local hub. */
export type PolicyName = keyof typeof policyRights;

const policyNames = Object.keys(policyRights) as readonly PolicyName[];

const dayMs = 24 * 60 * 60 * 1000;

export interface Credentials {
  /** The key of each shared access policy, in Base64. */
  readonly keys: Readonly<Record<PolicyName, string>>;
  readonly tls: { readonly key: string; readonly cert: string };
  /** Absolute path of a PEM file with the certificate of the local certificate authority. Clients must trust this certificate. */
  readonly caFile: string;
}

interface StoredCredentials {
  readonly keys: Credentials['keys'];
  readonly ca: string;
  readonly tls: Credentials['tls'];
}

/** The shared access policies of a hub with these credentials. */
export function sharedAccessPolicies({ keys }: Credentials): readonly SasPolicy[] {
  return policyNames.map((name) => ({ name, key: keys[name], rights: policyRights[name] }));
}

/**
 * Reads the credentials in a folder. Creates the keys that are missing. Creates new certificates if the stored certificates are missing, do
 * not name `hostName`, or expire within 30 days. The private key of the certificate authority is never stored: it signs one certificate and is then discarded.
 * Rejects if the stored file is damaged.
 */
export async function loadCredentials(folder: string, hostName = 'localhost'): Promise<Credentials> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const file = join(folder, 'hub-credentials.json');
  const caFile = resolve(folder, 'ca.pem');
  const before = await read(file);
  const stored: StoredCredentials = {
    keys: {
      ...(Object.fromEntries(policyNames.map((name) => [name, newKey()])) as Credentials['keys']),
      ...before?.keys,
    },
    ...(before !== undefined && isFresh(before) && isFor(before, hostName)
      ? { ca: before.ca, tls: before.tls }
      : await makeCertificates(hostName)),
  };
  await write(file, JSON.stringify(stored, undefined, 2));
  await write(caFile, stored.ca);
  return { keys: stored.keys, tls: stored.tls, caFile };
}

function newKey(): string {
  return randomBytes(32).toString('base64');
}

function isFresh({ ca, tls }: StoredCredentials): boolean {
  return [ca, tls.cert].every((pem) => new X509Certificate(pem).validToDate.getTime() > Date.now() + 30 * dayMs);
}

function isFor({ tls }: StoredCredentials, hostName: string): boolean {
  const certificate = new X509Certificate(tls.cert);
  return (isIP(hostName) === 0 ? certificate.checkHost(hostName) : certificate.checkIP(hostName)) !== undefined;
}

async function makeCertificates(hostName: string): Promise<Pick<StoredCredentials, 'ca' | 'tls'>> {
  // The library is loaded only when it is needed, because it is half of the code that a start of the hub loads.
  const { generate } = await import('selfsigned');
  const validity = { notBeforeDate: new Date(Date.now() - dayMs), notAfterDate: new Date(Date.now() + 800 * dayMs) };
  const kind = { keyType: 'ec', algorithm: 'sha256', ...validity } as const;
  const ca = await generate([{ name: 'commonName', value: `Twinkeeper local hub ${randomBytes(4).toString('hex')}` }], {
    ...kind,
    extensions: [
      { name: 'basicConstraints', cA: true, pathLenConstraint: 0, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  const leaf = await generate([{ name: 'commonName', value: hostName }], {
    ...kind,
    ca: { key: ca.private, cert: ca.cert },
    extensions: [
      { name: 'basicConstraints', cA: false, critical: true },
      { name: 'keyUsage', digitalSignature: true, critical: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [...new Set(['localhost', '127.0.0.1', '::1', hostName])].map((name) =>
          isIP(name) === 0 ? { type: 2, value: name } : { type: 7, ip: name },
        ),
      },
    ],
  });
  return { ca: ca.cert, tls: { key: leaf.private, cert: leaf.cert } };
}

async function read(file: string): Promise<StoredCredentials | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const stored = JSON.parse(text) as StoredCredentials;
    new X509Certificate(stored.ca);
    new X509Certificate(stored.tls.cert);
    return stored;
  } catch {
    throw new Error(`${file} is damaged: delete it. The next start creates new keys and certificates.`);
  }
}

/** Writes a file atomically. Only the owner of the file can read it. */
async function write(file: string, text: string): Promise<void> {
  const unfinished = `${file}.${process.pid}.${randomBytes(4).toString('hex')}`;
  await writeFile(unfinished, text, { mode: 0o600 });
  await rename(unfinished, file);
}
