import { describe, expect, it } from 'vitest';
import { hostOf } from '../../../shared/hub/index.ts';

describe('the address of a hub', () => {
  it.each([
    [{ hostName: 'my-hub.azure-devices.net' }, 'my-hub.azure-devices.net', 443],
    [{ hostName: 'localhost:8443' }, 'localhost', 8443],
    [{ connectionString: 'HostName=h.net;SharedAccessKeyName=n;SharedAccessKey=k=' }, 'h.net', 443],
    [{ connectionString: 'SharedAccessKey=k=;hostname=localhost:99;SharedAccessKeyName=n' }, 'localhost', 99],
    [{ connectionString: 'nonsense' }, '', 443],
  ])('%j has the host %s and the port %i', (address, host, port) => {
    expect(hostOf(address)).toEqual({ host, port });
  });
});
