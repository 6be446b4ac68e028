import { ContainerClient } from '@azure/storage-blob';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';
import { endHosts, type HostProcess, startHost } from './fixtures/host-process.ts';

let azurite: TestStorage;
beforeAll(async () => {
  azurite = await newStorageAccount();
});
afterEach(endHosts);

const start = (schedule: string, more: { appRoot?: string; settings?: Record<string, string> } = {}) =>
  startHost({
    app: 'timer.cjs',
    ...(more.appRoot !== undefined && { appRoot: more.appRoot }),
    settings: { AzureWebJobsStorage: azurite.endpoints.connectionString, TICK: schedule, ...more.settings },
  });
const hostId = async (host: HostProcess) => {
  const status = (await (await fetch(`${host.endpoints.functionsUrl}/admin/host/status`)).json()) as { id: string };
  return status.id;
};
const never = '0 0 0 1 1 *';

describe('a timer function', () => {
  it('runs at each time of a schedule with seconds', async () => {
    const host = await start('* * * * * *');
    const first = await host.record(() => true);
    const second = await host.record((record) => record !== first);
    expect(first.input).toEqual({ schedule: { adjustForDST: true }, scheduleStatus: null, isPastDue: false });
    // A busy machine can delay the second run, so the test checks only the order of the runs.
    expect(second.at).toBeGreaterThan(first.at);
    expect(host.log()).toBe('');
  });

  it('runs at the start with runOnStartup, and on demand with the master key', async () => {
    const host = await start(never, { settings: { AT_START: '1' } });
    await host.record(() => true);
    const run = (key: string) =>
      fetch(`${host.endpoints.functionsUrl}/admin/functions/tick`, {
        method: 'POST',
        headers: { 'x-functions-key': key },
      });
    expect((await run('wrong')).status).toBe(401);
    expect((await run(host.endpoints.masterKey)).status).toBe(202);
    await host.record(() => host.records.length === 2);
  });

  it('makes up for a missed run with isPastDue', async () => {
    const first = await start(never);
    const id = await hostId(first);
    const container = new ContainerClient(azurite.endpoints.connectionString, 'azure-webjobs-hosts');
    const status = container.getBlockBlobClient(`timers/${id}/Host.Functions.tick/status`);
    while (!(await status.exists())) await new Promise((resolve) => setTimeout(resolve, 20));
    await first.end();
    const missed = JSON.stringify({
      Last: '2020-01-01T00:00:00Z',
      Next: '2021-01-01T00:00:00Z',
      LastUpdated: '2020-01-01T00:00:00Z',
    });
    await status.upload(missed, missed.length);
    const second = await start(never, { appRoot: appRootOf(first) });
    expect((await second.record(() => true)).input).toEqual({
      schedule: { adjustForDST: true },
      scheduleStatus: {
        last: '2020-01-01T00:00:00+00:00',
        next: '2021-01-01T00:00:00+00:00',
        lastUpdated: '2020-01-01T00:00:00+00:00',
      },
      isPastDue: true,
    });
  });

  it('runs on one host only, and on another host when that one ends', async () => {
    const first = await start('* * * * * *');
    await first.record(() => true);
    const second = await start('* * * * * *', { appRoot: appRootOf(first) });
    await first.record(() => first.records.length >= 3);
    expect(second.records).toEqual([]);
    await first.end();
    await second.record(() => true);
  });

  it('with a malformed schedule stops the host with one line', async () => {
    await expect(start('every minute')).rejects.toThrow(
      'Function "tick": "every minute" is not an NCRONTAB expression',
    );
    await expect(start('99 * * * * *')).rejects.toThrow(
      'Function "tick": "99 * * * * *" is not an NCRONTAB expression',
    );
  });
});

function appRootOf(host: HostProcess): string {
  return (JSON.parse(host.child.spawnargs.at(-1) ?? '{}') as { appRoot: string }).appRoot;
}
