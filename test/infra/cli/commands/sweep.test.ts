import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Run, twinkeeper } from '../../../e2e/twinkeeper.ts';

let folder = '';
let endpoints = '';
let local: Run;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-sweep-'));
  endpoints = join(folder, 'endpoints.json');
  local = twinkeeper(['local', '--no-demo', '--endpoints', endpoints]);
  await local.says('Ready.');
});

afterAll(async () => {
  local.child.kill('SIGTERM');
  await local.ended;
  await rm(folder, { recursive: true });
});

async function run(...args: readonly string[]) {
  const { ended, stdout } = twinkeeper([...args, '--endpoints', endpoints]);
  return { code: await ended, stdout: stdout() };
}

describe('twinkeeper sweep', () => {
  it('asks the running app for a sweep, and ends when the sweep is done', async () => {
    const { code, stdout } = await run('sweep', '--json');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ state: 'done', endedAt: expect.any(String) });
    const text = await run('sweep');
    expect(text.code).toBe(0);
    expect(text.stdout).toMatch(
      /^Sweep \S+ is done: .*\n\d+ twins? examined, \d+ drift rows? found, \d+ repairs? made/,
    );
  });

  it('returns at once with --no-wait', async () => {
    expect(await run('sweep', '--no-wait')).toEqual({ code: 0, stdout: 'The app has been asked for a sweep.\n' });
  });

  it('leaves nothing to do for a plan of the same hub', async () => {
    const { code, stdout } = await run('plan');
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ hub: 'localhost', somethingToDo: false });
  });
});
