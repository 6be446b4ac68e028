import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { startLocalHub } from '../../../infra/local/hub/index.ts';
import { checkHubHost, hubPort } from '../../../infra/local/hub-host.ts';

const project = resolve(import.meta.dirname, '../../..');

/** Returns a loopback address that no other test uses at the same time. */
function newAddress(): string {
  return `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
}

/** Whether this user may listen on port 443. In CI, the tests that need it run in any case, and fail. */
const mayListen = await checkHubHost(newAddress()).then(
  () => true,
  () => process.env.CI !== undefined,
);

/** A program as a user writes it, with the SDK as it comes. The environment variable NODE_EXTRA_CA_CERTS names the authority. */
const program = `
  import iothub from 'azure-iothub';
  const registry = iothub.Registry.fromConnectionString(process.env.CONNECTION_STRING);
  await registry.create({ deviceId: 'press-01' });
  await registry.updateTwin('press-01', { tags: { hall: 3 } }, '*');
  const { responseBody } = await registry.getTwin('press-01');
  console.log(JSON.stringify(responseBody.tags));
  process.exit();
`;

describe.skipIf(!mayListen)('the hub with a host name', () => {
  it("is used by Microsoft's SDK as it comes: the certificate and the connection string name the host, without a port", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'hub-host-'));
    const host = await checkHubHost(newAddress());
    const hub = await startLocalHub({ folder, httpsPort: hubPort, ...host });
    try {
      const { iotHubConnectionString, hostName, caFile } = hub.endpoints;
      expect(hostName).toBe(host.hostName);
      expect(iotHubConnectionString).toMatch(
        new RegExp(`^HostName=${host.hostName};SharedAccessKeyName=operator;SharedAccessKey=`),
      );
      const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program], {
        cwd: project,
        env: { ...process.env, CONNECTION_STRING: iotHubConnectionString, NODE_EXTRA_CA_CERTS: caFile },
      });
      expect(JSON.parse(stdout)).toEqual({ hall: 3 });
    } finally {
      await hub.close();
      await rm(folder, { recursive: true });
    }
  });

  it('is refused while another program listens on the port of its address', async () => {
    const address = newAddress();
    const server = createServer();
    await new Promise<void>((listening) => server.listen({ port: hubPort, host: address }, listening));
    try {
      await expect(checkHubHost(address)).rejects.toThrow(
        `--hub-host ${address}: port 443 of ${address} is in use. Stop the program that listens there`,
      );
    } finally {
      server.close();
    }
  });
});

describe('a host name for the hub', () => {
  it.each([
    ['192.0.2.1', 'leads to another machine, 192.0.2.1'],
    ['no-such-hub.invalid', 'leads to no address'],
  ])('is refused unless it leads to this machine, as %s does not', async (hostName, why) => {
    await expect(checkHubHost(hostName)).rejects.toThrow(
      `--hub-host ${hostName} ${why}: use localhost, an address such as 127.0.0.2, or a name that the hosts file leads`,
    );
  });
});
