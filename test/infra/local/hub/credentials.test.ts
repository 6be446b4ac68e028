import { X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadCredentials } from '../../../../infra/local/hub/credentials.ts';

let folder: string;

beforeEach(async () => {
  folder = join(await mkdtemp(join(tmpdir(), 'hub-credentials-')), 'hub');
});

afterEach(async () => {
  await rm(join(folder, '..'), { recursive: true, force: true });
});

describe('the credentials of the hub', () => {
  it('stay the same from one start to the next', async () => {
    expect(await loadCredentials(folder)).toEqual(await loadCredentials(folder));
  });

  it('differ between folders and between policies', async () => {
    const here = await loadCredentials(folder);
    const there = await loadCredentials(`${folder}-2`);
    expect(new Set([...Object.values(here.keys), ...Object.values(there.keys)]).size).toBe(14);
  });

  it('are readable by the owner only', async () => {
    await loadCredentials(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o700);
    for (const file of await readdir(folder)) expect((await stat(join(folder, file))).mode & 0o777).toBe(0o600);
  });

  it('include a certificate for localhost, signed by the authority in the CA file', async () => {
    const { caFile, tls } = await loadCredentials(folder);
    expect(isAbsolute(caFile)).toBe(true);
    const authority = new X509Certificate(await readFile(caFile));
    const certificate = new X509Certificate(tls.cert);
    expect(certificate.verify(authority.publicKey)).toBe(true);
    expect(authority.ca).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIP('127.0.0.1')).toBe('127.0.0.1');
    expect(certificate.checkIP('::1')).toBe('::1');
  });

  it.each([
    ['hub.example.test', (certificate: X509Certificate) => certificate.checkHost('hub.example.test')],
    ['127.0.0.9', (certificate: X509Certificate) => certificate.checkIP('127.0.0.9')],
  ])('have new certificates for another host name, such as %s, and the same keys', async (hostName, check) => {
    const before = await loadCredentials(folder);
    const after = await loadCredentials(folder, hostName);
    expect(check(new X509Certificate(before.tls.cert))).toBeUndefined();
    expect(check(new X509Certificate(after.tls.cert))).toBe(hostName);
    expect(after.keys).toEqual(before.keys);
    expect(await loadCredentials(folder, hostName)).toEqual(after);
  });

  it('do not store the private key of the certificate authority', async () => {
    await loadCredentials(folder);
    const kept = await readFile(join(folder, 'hub-credentials.json'), 'utf8');
    expect(kept.match(/PRIVATE KEY-----/g)).toHaveLength(2);
  });

  it('reject a damaged file with a message that says what to do', async () => {
    await loadCredentials(folder);
    await writeFile(join(folder, 'hub-credentials.json'), '{');
    await expect(loadCredentials(folder)).rejects.toThrow(/hub-credentials\.json is damaged: delete it/);
  });
});
