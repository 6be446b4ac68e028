import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { hostOf, openRegistry } from '../../../shared/hub/index.ts';
import { startTestHub } from '../../infra/local/hub/hub-client.ts';

describe('the address of a hub', () => {
  it.each([
    [{ hostName: 'my-hub.azure-devices.net', identity: { type: 'default' } }, 'my-hub.azure-devices.net', 443],
    [{ hostName: 'localhost:8443', identity: { type: 'default' } }, 'localhost', 8443],
    [{ connectionString: 'HostName=h.net;SharedAccessKeyName=n;SharedAccessKey=k=' }, 'h.net', 443],
    [{ connectionString: 'SharedAccessKey=k=;hostname=localhost:99;SharedAccessKeyName=n' }, 'localhost', 99],
    [{ connectionString: 'nonsense' }, '', 443],
  ] as const)('%j has the host %s and the port %i', (address, host, port) => {
    expect(hostOf(address)).toEqual({ host, port });
  });
});

describe('a connection to a hub', () => {
  it('trusts the given certificate authority in addition to those of Node.js', async () => {
    const [known, given] = await Promise.all([startTestHub(), startTestHub()]);
    const before = getCACertificates('default');
    setDefaultCACertificates([...before, known.ca]);
    try {
      for (const { connectionString, httpsPort } of [known, given]) {
        const address = {
          connectionString: connectionString('twinkeeper').replace('localhost', `localhost:${httpsPort}`),
        };
        const registry = await openRegistry(address, { idleTimeout: 5_000, ca: given.ca });
        expect((await registry.list()).responseBody).toEqual([]);
      }
    } finally {
      setDefaultCACertificates(before);
      await Promise.all([known.close(), given.close()]);
    }
  });
});
