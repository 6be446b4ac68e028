import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { verifyCommand } from '../../../../infra/cli/commands/verify.ts';
import { at, type SealWorld, startSealWorld } from '../../../shared/evidence/seal/seal-world.ts';

let world: SealWorld;
let output = '';
/** Three sealed days with one row. The command has the machine's clock, so it is asked for these days only. */
beforeAll(async () => {
  world = await startSealWorld();
  await world.drift('press-01', 1, { actual: '\u001b[2J' });
  world.setClock(72.5);
  await world.seal();
});
beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

/** Runs the command. Returns its output and its exit code. */
async function run(...args: readonly string[]) {
  output = '';
  process.exitCode = 0;
  const { connectionString } = world.account;
  const command = verifyCommand()
    .exitOverride()
    .configureOutput({ writeErr: () => {} });
  await command.parseAsync([...args, '--storage', connectionString], { from: 'user' });
  return { output, code: process.exitCode };
}
const days = ['--from', '2026-01-10', '--to', '2026-01-13'];

describe('twinkeeper verify', () => {
  it('ends with 0 when everything is as it was sealed, and shows the hash to keep', async () => {
    const { output: text, code } = await run(...days);
    expect(code).toBe(0);
    expect(text).toContain('Compared 3 sealed days, 2026-01-10 to 2026-01-12, with 1 rows.');
    expect(text).toContain('Everything is as it was sealed.');
    const [hash = ''] = /[0-9a-f]{64}/.exec(text) ?? [];
    expect((await run(...days, '--hash', hash.toUpperCase())).code).toBe(0);
    const json = JSON.parse((await run(...days, '--json')).output);
    expect(json).toEqual({
      ...{ verdict: 'intact', days: 3, first: '2026-01-10', last: '2026-01-12', lastSha256: hash },
      ...{ rows: 1, notCompared: 0, faults: [] },
    });
  });

  it('ends with 1 when nothing is sealed, and says so', async () => {
    const { output: text, code } = await run('--to', '2026-01-10');
    expect(code).toBe(1);
    expect(text).toMatch(/^No day of this time is sealed/);
    expect(JSON.parse((await run('--to', '2026-01-10', '--json')).output)).toEqual({
      verdict: 'nothingSealed',
      faults: [],
    });
  });

  it.each([
    [['--from', '2026-01-12', '--to', '2026-01-11'], 'swap them'],
    [['--hash', 'abc'], '64 hexadecimal digits'],
    [['--from', 'yesterday'], 'It must be a time'],
  ])('refuses %j', async (args, message) => {
    await expect(run(...args)).rejects.toThrow(message);
  });

  it('ends with 2 when something was altered, names it and says what to do', async () => {
    await world.alter(
      'TwinkeeperDrift',
      ({ deviceId }) => deviceId === 'press-01',
      () => ({ path: '\u001b[2J' }),
    );
    const { output: text, code } = await run(...days);
    expect(code).toBe(2);
    expect(text).toContain(
      `row changed (journal): device press-01, module Agent, policy agent, mode, detected ${at(1)}`,
    );
    expect(text).toContain('path was "mode", and is');
    expect(text).toContain('1 thing is not as sealed.');
    expect(text).toContain('Rows: the files of the day have the row as it was.');
    expect(text).not.toContain('\u001b[2J');
    const json = JSON.parse((await run(...days, '--json')).output);
    expect(json).toMatchObject({
      verdict: 'altered',
      faults: [{ subject: 'row', fault: 'changed', table: 'journal', row: { deviceId: 'press-01', path: 'mode' } }],
    });
  });
});
