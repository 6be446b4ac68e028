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
    TWINKEEPER_MODE: 'audit',
  };

  it('has no setting of a real hub', () => {
    expect(hostEnvironment(shell, '/ca.pem', false)).toEqual({ PATH: '/bin', NODE_EXTRA_CA_CERTS: '/ca.pem' });
  });

  it("keeps Twinkeeper's own settings on request", () => {
    expect(hostEnvironment(shell, '/ca.pem', true)).toMatchObject({ TWINKEEPER_MODE: 'audit' });
  });
});

describe('the settings of the local app', () => {
  const hub = { twinkeeperConnectionString: 'hub', eventHubConnectionString: 'events' } as LocalHubEndpoints;

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
