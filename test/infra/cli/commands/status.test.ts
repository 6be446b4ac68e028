/** Tests of the built `twinkeeper status` command, with a storage account. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createGuardStore } from '../../../../shared/guards/index.ts';
import { createStatusStore } from '../../../../shared/status/index.ts';
import { createSweepStore } from '../../../../shared/sweep/store/index.ts';
import { policies } from '../../../support/fixture-policies.ts';
import { startWorld, type World } from '../../../support/world.ts';
import { devices, type HistoryWorld, startHistoryWorld } from './history-world.ts';

let history: HistoryWorld;

beforeAll(async () => {
  history = await startHistoryWorld();
}, 180_000);
afterAll(() => history?.close());

describe('twinkeeper status', () => {
  it('exits with 2 when something is out of line, and says why it is not repaired', async () => {
    const guards = createGuardStore(history.world.storage);
    for (const { name } of policies) await guards.putDeviceCount(name, devices.length);
    await guards.putFleetCount({ devices: devices.length, countedAt: new Date().toISOString(), isExact: true });
    const { code, stdout } = await history.ask('status', '--json');
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'outOfLine',
      fleet: { devices: 4, outOfLine: 1, compliant: 3, percent: 75 },
      policies: expect.arrayContaining([
        { policy: 'azureiotsecurity', devices: 4, compliant: 4, outOfLine: 0 },
        { policy: 'defender-micro-agent', devices: 4, compliant: 3, outOfLine: 1 },
      ]),
      open: { total: 1, byReason: { audited: 1 } },
      deadLetters: 0,
    });
    const text = await history.ask('status');
    expect(text.code).toBe(2);
    expect(text.stdout).toMatch(/^Fleet +3 of 4 devices keep to all policies \(75\.00 %\)/);
    expect(text.stdout).toMatch(/defender-micro-agent +4 +3 +75\.0 % +1/);
  });
});

describe('twinkeeper status of a new hub', () => {
  let world: World;

  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world.close());

  it('exits with 1 before the first sweep has ended, and then with 0 when nothing is out of line', async () => {
    const { connectionString } = world.storage;
    const unknown = await history.run('status', '--storage', connectionString);
    expect(unknown.code).toBe(1);
    expect(unknown.stdout).toContain('"twinkeeper sweep" asks for one');
    expect(unknown.stdout).toMatch(/^Fleet +not counted yet/);
    const store = createSweepStore(world.storage, () => new Date());
    const claim = await store.claim({ trigger: 'manual' });
    if (claim === undefined) throw new Error('The sweep could not be claimed.');
    await store.release(claim, undefined, { ...claim.row, state: 'done', endedAt: new Date().toISOString() });
    expect(await history.run('status', '--storage', connectionString)).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('Nothing is out of line.'),
    });
  });

  it('exits with 3 when the app has stopped, and names the problem in text and JSON', async () => {
    const { connectionString } = world.storage;
    const hoursAgo = (hours: number) => new Date(Date.now() - hours * 3_600_000).toISOString();
    await createStatusStore(world.storage, () => new Date()).putRolledUp({
      at: hoursAgo(5),
      since: hoursAgo(50),
      mode: 'audit',
      sweepGapMinutes: 15,
      rollUpGapMinutes: 5,
      open: 0,
      reasons: {},
      outOfLine: {},
    });
    const { code, stdout } = await history.run('status', '--storage', connectionString, '--json');
    expect(code).toBe(3);
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'compliant',
      problems: [
        { code: 'notReporting', severity: 'ill' },
        { code: 'auditMode', severity: 'information' },
      ],
    });
    const text = await history.run('status', '--storage', connectionString);
    expect(text.stdout).toMatch(/^Twinkeeper +does not work\n {2}ill: The app has not counted the history for 5 h/m);
  });
});
