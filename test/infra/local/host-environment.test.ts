import { describe, expect, it } from 'vitest';
import { hostEnvironment } from '../../../infra/local/host-environment.ts';

describe('the environment of the function host', () => {
  const shell = {
    PATH: '/bin',
    IOTHUB_CONNECTION_STRING: 'HostName=real',
    IOTHUB_HOSTNAME: 'real.azure-devices.net',
    AzureWebJobsStorage: 'real',
    AzureWebJobsStorage__accountName: 'real',
    EventHubConnection__fullyQualifiedNamespace: 'real',
    TWINKEEPER_MODE: 'audit',
  };

  it('has no setting of a real hub', () => {
    expect(hostEnvironment(shell, '/ca.pem', false)).toEqual({ PATH: '/bin', NODE_EXTRA_CA_CERTS: '/ca.pem' });
  });

  it("keeps Twinkeeper's own settings on request", () => {
    expect(hostEnvironment(shell, '/ca.pem', true)).toMatchObject({ TWINKEEPER_MODE: 'audit' });
  });
});
