/** Tests of the built command with a question about a time that is past. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPolicyVersions } from '../../../../shared/evidence/index.ts';
import { toPolicySet } from '../../../../shared/policy/index.ts';
import { policies } from '../../../support/fixture-policies.ts';
import { type HistoryWorld, startHistoryWorld } from './history-world.ts';

let history: HistoryWorld;
const inForce = toPolicySet(policies, { mode: 'enforce' }).all;

beforeAll(async () => {
  history = await startHistoryWorld();
  const hourAgo = () => new Date(Date.now() - 3600_000);
  await createPolicyVersions(history.world.storage, hourAgo).record(inForce, '1.2.3');
}, 180_000);
afterAll(() => history?.close());

describe('twinkeeper device --at', () => {
  it('shows what was out of line then, and exits with 2', async () => {
    const { code, stdout } = await history.ask('device', 'two', '--at', new Date().toISOString());
    expect(code).toBe(2);
    expect(stdout).toMatch(/^two at [-0-9T:.]+Z \(UTC\)\n/);
    expect(stdout).toMatch(/defender-micro-agent +enforce +\S{16} +[-0-9T:]+Z +yes +[-0-9T:]+Z by an event/);
    expect(stdout).toMatch(/Out of line\n +[-0-9T:]+Z +DefenderIotMicroAgent +Login_UsePAM +audited +since/);
    expect(stdout).toMatch(/Something was out of line\.\n$/);
  });

  it('shows what was in force before anything was out of line, and exits with 0', async () => {
    const { code, stdout } = await history.ask('device', 'two', '--at=-30m', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deviceId: 'two', open: [], verified: [], appVersion: '1.2.3' });
  });

  it('exits with 1 for a time that nothing is known about, and for a time to come', async () => {
    const before = await history.ask('device', 'two', '--at=-2h');
    expect(before).toMatchObject({ code: 1, stdout: '' });
    expect(before.stderr).toContain('Nothing is known about two at ');
    const later = await history.ask('device', 'two', '--at', new Date(Date.now() + 3600_000).toISOString());
    expect(later.code).toBe(1);
    expect(later.stderr).toContain('It must be past');
  });
});

describe('twinkeeper status --at', () => {
  it('shows what was in force and what was out of line in the fleet', async () => {
    const { code, stdout } = await history.ask('status', '--at', new Date().toISOString());
    expect(code).toBe(2);
    expect(stdout).toMatch(/defender-micro-agent +enforce +\S{16} +[-0-9T:]+Z +not counted +1\n/);
    expect(stdout).toContain('Open drift  1\n  1 audited\n  such as of two\n');
    const quiet = await history.ask('status', '--at=-30m', '--json');
    expect(quiet.code).toBe(0);
    expect(JSON.parse(quiet.stdout)).toMatchObject({ open: { total: 0, isMore: false, byState: {} } });
    // Without a count, nobody knows whether anything was out of line.
    const { stdout: text } = await history.ask('status', '--at=-30m');
    expect(text).toContain('Nothing is known to have been out of line, but not every policy had been counted.');
  });
});

describe('twinkeeper drift --during', () => {
  it('has what was out of line at any moment of the time, also what was detected before', async () => {
    const start = new Date().toISOString();
    const ids = async (...args: readonly string[]) => {
      const { stdout } = await history.ask('drift', '--json', ...args);
      const lines = stdout.split('\n').filter((line) => line !== '');
      return lines.map((line) => (JSON.parse(line) as { deviceId: string }).deviceId);
    };
    expect(await ids('--during', `${start}..`)).toEqual(['two']);
    expect(await ids('--during=-1h..', '--device', 'one', '--kind', 'wrongValue')).toEqual(['one']);
    const nothing = await history.ask('drift', '--during=-3h..-2h');
    expect(nothing.stdout).toMatch(/^Nothing is known to have been out of line from /);
    const filtered = await history.ask('drift', '--during=-1h..', '--outcome', 'superseded');
    expect(filtered.stdout).toMatch(/^No row that matches was out of line from /);
  });

  it.each([
    ['2026-01-01', 'two times with'],
    ['-1h..-2h', 'must end after it begins'],
    ['x..', 'must be a time'],
  ])('refuses the range %s', async (range, message) => {
    const { code, stderr } = await history.ask('drift', `--during=${range}`);
    expect(code).toBe(1);
    expect(stderr).toContain(message);
  });
});
