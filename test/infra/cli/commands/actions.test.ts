import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { policies } from '../../../../functions/policies/index.ts';
import { actionsCommand } from '../../../../infra/cli/commands/actions.ts';
import { deadLettersCommand } from '../../../../infra/cli/commands/dead-letters.ts';
import { releaseCommand } from '../../../../infra/cli/commands/release.ts';
import { replayCommand } from '../../../../infra/cli/commands/replay.ts';
import { sweepCommand } from '../../../../infra/cli/commands/sweep.ts';
import packageJson from '../../../../package.json' with { type: 'json' };
import { type ActionRecord, createActionLog } from '../../../../shared/actions/index.ts';
import { createDeadLetters } from '../../../../shared/retry/index.ts';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';

let azurite: TestStorage;
let output = '';
let errors = '';
beforeEach(async () => {
  azurite = await newStorageAccount();
  [output, errors] = ['', ''];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    errors += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = 0;
});

async function run(command: Command, ...args: readonly string[]): Promise<string> {
  output = '';
  const ownErrors = { writeErr: () => {} };
  for (const each of [command, ...command.commands]) each.exitOverride().configureOutput(ownErrors);
  await command.parseAsync([...args, '--storage', azurite.endpoints.connectionString], { from: 'user' });
  return output;
}

/** The actions that `twinkeeper actions --json` prints. */
async function listed(...args: readonly string[]): Promise<readonly ActionRecord[]> {
  const ndjson = await run(actionsCommand(), '--json', ...args);
  return ndjson
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as ActionRecord);
}

const policy = policies[0]?.name ?? '';
const by = { type: 'commandLine', user: userInfo().username, host: hostname() };
const event = {
  body: { deviceId: 'd', version: 2, properties: { desired: { a: 1 } } },
  properties: { hubName: 'h', deviceId: 'd', opType: 'updateTwin', operationTimestamp: '2026-01-01T00:00:00Z' },
  systemProperties: { 'iothub-message-source': 'twinChangeEvents' },
};

describe('a command that acts', () => {
  it('is recorded: release', async () => {
    await run(releaseCommand(), policy, '--reason', 'change 4711');
    expect(await listed()).toEqual([
      {
        v: 1,
        id: expect.any(String),
        at: expect.any(String),
        action: 'release',
        by,
        target: { policy },
        reason: 'change 4711',
        result: 'done',
        detail: expect.stringMatching(/^The limit is lifted until 20.*Z\. A sweep was requested\.$/),
        endedAt: expect.any(String),
        appVersion: packageJson.version,
      },
    ]);
  });

  it('is recorded: sweep', async () => {
    await run(sweepCommand(), '--no-wait', '--reason', 'drill');
    expect(await listed()).toMatchObject([{ action: 'sweep', by, target: {}, reason: 'drill', result: 'done' }]);
  });

  it('is recorded: the replay of each dead letter, which is then listed only when it is asked for', async () => {
    const deadLetters = createDeadLetters(azurite.endpoints, () => new Date());
    const put = (deviceId: string) => deadLetters.put({ deviceId, reason: 'why\u001b[2J', state: 'dead', event });
    const ids = [await put('one'), await put('')];
    await run(deadLettersCommand(), 'replay', '--all', '--reason', 'the hub answers');
    const actions = await listed('--action', 'replay');
    expect(actions.map(({ target, reason }) => ({ target, reason }))).toEqual([
      { target: { deadLetterId: ids[0], deviceId: 'one' }, reason: 'the hub answers' },
      { target: { deadLetterId: ids[1] }, reason: 'the hub answers' },
    ]);
    expect(await run(deadLettersCommand(), 'list')).toBe('No dead letters.\n');
    const table = await run(deadLettersCommand(), 'list', '--replayed');
    expect(table).toContain(`│ ${by.user}@${by.host}`);
    expect(table).not.toContain('\u001b');
    const ndjson = (await run(deadLettersCommand(), 'list', '--replayed', '--json')).trimEnd().split('\n');
    expect(ndjson.map((line) => (JSON.parse(line) as { id: string }).id)).toEqual(ids.toReversed());

    await run(deadLettersCommand(), 'replay', ids[0] ?? '', 'no-such-id');
    expect(errors).toContain(`${ids[0]} was replayed at 20`);
    expect(errors).toContain('There is no dead letter no-such-id');
    expect(process.exitCode).toBe(1);
    expect(await listed()).toHaveLength(2);
  });

  it('is recorded: the replay of a file', async () => {
    const { path } = await newFile(JSON.stringify([event, event]));
    await run(replayCommand(), path);
    expect(await listed()).toMatchObject([
      {
        action: 'replay',
        target: { deviceId: 'd' },
        reason: '',
        detail: 'Events of the file events.json put into the queue: 2. Devices: 1.',
      },
    ]);
  });

  it('does nothing when the reason is too long', async () => {
    await expect(run(releaseCommand(), policy, '--reason', 'x'.repeat(501))).rejects.toThrow('at most 500 characters');
    expect(await listed()).toEqual([]);
  });
});

describe('twinkeeper actions', () => {
  beforeEach(async () => {
    let time = Date.UTC(2026, 0, 1);
    const log = createActionLog(azurite.endpoints, { now: () => new Date(time), appVersion: '1' });
    for (let number = 0; number < 60; number++) {
      const who = number % 2 === 0 ? { type: 'key', key: 'master' } : { type: 'user', name: 'Ada \u202e', id: 'b8e1' };
      const intent = { by: who as ActionRecord['by'], reason: `change ${number}`, target: { deviceId: `d${number}` } };
      await log.record({ action: 'reconcile', ...intent }, async () => {}, String);
      time += 60_000;
    }
  });

  it('shows the newest 50 as a table without control characters, and says that there are more', async () => {
    const table = await run(actionsCommand());
    const lines = table.trimEnd().split('\n');
    expect(lines).toHaveLength(51);
    expect(lines[0]).toMatch(/^began \(UTC\) +action +result +by +target +reason$/);
    expect(lines[1]).toMatch(/^2026-01-01 00:59:00 {2}reconcile {2}done +Ada \? \(b8e1\) +device d59 +change 59$/);
    expect(lines[2]).toContain('master key');
    expect(errors).toContain('These are the newest 50 actions, and there are more');
  });

  it('filters by time, and prints all as JSON', async () => {
    expect(await listed()).toHaveLength(60);
    const some = await listed('--from', '2026-01-01T00:10Z', '--to', '2026-01-01T00:12Z');
    expect(some.map(({ reason }) => reason)).toEqual(['change 11', 'change 10']);
    expect(await listed('--limit', '7')).toHaveLength(7);
    expect(await listed('--policy', 'agent')).toEqual([]);
    expect(output).not.toContain('\u202e');
  });

  it('says that nothing matches, and refuses a range that ends before it begins', async () => {
    expect(await run(actionsCommand(), '--action', 'release')).toBe('No action is recorded that matches.\n');
    await expect(run(actionsCommand(), '--from', '2026-02-01', '--to', '2026-01-01')).rejects.toThrow('swap them');
  });
});

async function newFile(text: string): Promise<{ readonly path: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-actions-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const path = join(folder, 'events.json');
  await writeFile(path, text);
  return { path };
}
