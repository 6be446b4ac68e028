import { describe, expect, it } from 'vitest';
import { hostEnvironment, localSettings } from '../../../infra/local/host-environment.ts';
import type { LocalHubEndpoints } from '../../../infra/local/hub/index.ts';

describe('the environment of the function host', () => {
  const shell = {
    PATH: '/bin',
    IOTHUB_CONNECTION_STRING: 'HostName=real',
    IOTHUB_HOSTNAME: 'real.azure-devices.net',
    AzureWebJobsStorage: 'real',
    AzureWebJobsStorage__accountName: 'real',
    EventHubConnection__fullyQualifiedNamespace: 'real',
    AZURE_CLIENT_ID: 'real',
    AZURE_CLIENT_SECRET: 'real',
    IDENTITY_ENDPOINT: 'real',
    TWINKEEPER_MODE: 'audit',
  };
  const local = { caFile: '/ca.pem', identity: { endpoint: 'http://127.0.0.1:1/msi/token', header: 'secret' } };

  it('has no setting of a real hub, and the managed identity of the local app', () => {
    expect(hostEnvironment(shell, local, false)).toEqual({
      PATH: '/bin',
      NODE_EXTRA_CA_CERTS: '/ca.pem',
      IDENTITY_ENDPOINT: 'http://127.0.0.1:1/msi/token',
      IDENTITY_HEADER: 'secret',
      AZURE_CLIENT_ID: '00000000-0000-4000-8000-0000000000c1',
      AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
    });
  });

  it("keeps Twinkeeper's own settings on request", () => {
    expect(hostEnvironment(shell, local, true)).toMatchObject({ TWINKEEPER_MODE: 'audit' });
  });
});

describe('the settings of the local app', () => {
  const hub = { hostName: 'localhost:1', eventHubConnectionString: 'events' } as LocalHubEndpoints;

  it('let the app sign in to the hub with its managed identity, and not with a key', () => {
    const settings = localSettings(hub, 'storage', { blastRadius: 20 });
    expect(settings.IOTHUB_HOSTNAME).toBe('localhost:1');
    expect(Object.keys(settings)).not.toContain('IOTHUB_CONNECTION_STRING');
  });

  it('have the blast radius of the run', () => {
    const settings = localSettings(hub, 'storage', { blastRadius: 20 });
    expect(settings.TWINKEEPER_BLAST_RADIUS).toBe('20');
  });

  it('let the timer sweep every minute, unless the demo asks for the sweeps', () => {
    const noEvents = { blastRadius: 20, routesEvents: false };
    expect(localSettings(hub, 'storage', noEvents).TWINKEEPER_SWEEP_SCHEDULE).toBe('0 * * * * *');
    expect(localSettings(hub, 'storage', { blastRadius: 20, demoSweeps: true }).TWINKEEPER_SWEEP_SCHEDULE).toBe(
      '0 0 0 1 1 *',
    );
  });

  it('have the budget of the hub that throttles', () => {
    const throttle = { tier: 'S1', units: 2 } as const;
    const settings = localSettings(hub, 'storage', { blastRadius: 20, throttle });
    expect(settings).toMatchObject({ TWINKEEPER_HUB_TIER: 'S1', TWINKEEPER_HUB_UNITS: '2' });
    expect(settings.TWINKEEPER_BUDGET_SHARE).toBeUndefined();
  });
});
