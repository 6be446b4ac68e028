/** Tests of the built `twinkeeper device` command, with a storage account and a hub. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { type HistoryWorld, startHistoryWorld } from './history-world.ts';

let history: HistoryWorld;

beforeAll(async () => {
  history = await startHistoryWorld();
}, 180_000);
afterAll(() => history?.close());

afterEach(() => vi.unstubAllEnvs());

describe('twinkeeper device', () => {
  it('shows the timeline and the departures, and exits with 2, when the device is out of line', async () => {
    const { code, stdout } = await history.ask('device', 'two');
    expect(code).toBe(2);
    expect(stdout).toMatch(/created .*\n.*created .*\n.*audited .*Login_UsePAM/);
    expect(stdout).toContain('- Login_UsePAM: "\\u001b[2J?"\n+ Login_UsePAM: false\n');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).not.toContain('\u202e');
    expect(stdout).toMatch(/The device is out of line\.\n$/);
  });

  it('exits with 0 when the twins are compliant, and lists all properties with --all', async () => {
    const { code, stdout } = await history.ask('device', 'one', '--all');
    expect(code).toBe(0);
    expect(stdout).toContain('  Process_Disabled: false\n');
    expect(stdout).toMatch(/The device is compliant\.\n$/);
  });

  it('prints one JSON document with --json, also for a device whose id looks like an option', async () => {
    const { code, stdout } = await history.run('device', '--json', '--endpoints', history.endpoints, '--', '-four');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deviceId: '-four', inLine: true, open: [], live: { exists: true } });
  });

  it('shows only the timeline when no hub is named, and says how to see the twins', async () => {
    vi.stubEnv('IOTHUB_CONNECTION_STRING', '');
    vi.stubEnv('IOTHUB_HOSTNAME', '');
    const { code, stdout } = await history.run('device', 'two', '--storage', history.world.storage.connectionString);
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /audited .*\n\nWhen the device was last looked at is not known.*\n\nAccording to the history, 1 departure is open\. To see the twins, name the hub/,
    );
  });

  it('says that a deleted device is no longer in the hub', async () => {
    history.world.hub.registry.create({ deviceId: 'short-lived' }, {});
    await history.enforcing.settle();
    history.world.hub.registry.delete({ deviceId: 'short-lived' }, '*');
    await history.enforcing.settle();
    const { code, stdout } = await history.ask('device', 'short-lived');
    expect(code).toBe(0);
    expect(stdout).toContain('The device is no longer in the hub.');
  });

  it('refuses a device that neither the history nor the hub has', async () => {
    const { code, stdout, stderr } = await history.ask('device', 'One');
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/no rows of a device One and the hub has no such device\. Ids are case-sensitive/);
  });
});
