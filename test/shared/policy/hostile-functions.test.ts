import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { planWith, run } from './custom-policy.ts';

const forever = (): never => {
  for (;;);
};

describe('a result of evaluate that runs code when it is read', () => {
  const endless = { get: forever, has: forever, getPrototypeOf: forever, ownKeys: forever };
  it.each<[string, () => unknown]>([
    [
      'a finding whose getter never returns',
      () => [{ path: 'a', expected: Object.defineProperty({}, 'b', { enumerable: true, get: forever }) }],
    ],
    ['a list whose entries never return', () => Object.assign([], { entries: forever })],
    ['an object whose prototype never returns', () => new Proxy({}, endless)],
    [
      'a thrown error whose message never returns',
      () => {
        throw Object.defineProperty(new Error(), 'message', { get: forever });
      },
    ],
    [
      'a thrown object whose text never returns',
      () => {
        throw { toString: forever };
      },
    ],
  ])('is stopped after the time limit: %s', (_, evaluate) => {
    expect(run(evaluate)).toEqual({ fault: 'evaluate took longer than 250 ms' });
  });

  it('is stopped in appliesTo too', () => {
    const appliesTo = () => {
      throw { toString: forever };
    };
    const { drifts } = planWith(() => [], {}, { appliesTo });
    expect(drifts.map(({ policy, kind, message }) => [policy, kind, message])).toEqual([
      ['custom', 'policyError', 'appliesTo took longer than 250 ms'],
      ['plain', 'missingProperty', undefined],
    ]);
  });
});

const fixture = join(import.meta.dirname, 'fixtures/late-errors.ts');

/** Runs the fixture with a function that fails in this way. Returns the late errors, and whether the process lived until its end. */
async function lateErrors(way: string) {
  const { stdout } = await promisify(execFile)(process.execPath, [fixture, way], { timeout: 20_000 });
  const lines = stdout.trim().split('\n');
  const messages = lines
    .filter((line) => line.includes('functionName'))
    .map((line) => (JSON.parse(line) as { readonly message: string }).message);
  return { messages, isAlive: lines.at(-1) === 'alive' };
}

describe('a late error', () => {
  it('is told once, even when a timer throws it again and again', async () => {
    const { messages, isAlive } = await lateErrors('interval');
    // The fixture calls the function for two versions of the twin.
    expect(messages.length).toBeLessThanOrEqual(2);
    expect(messages[0]).toBe('evaluate threw RangeError: too late, after it had returned');
    expect(isAlive).toBe(true);
  });

  it('that cannot be shown does not stop the process', async () => {
    const { messages, isAlive } = await lateErrors('unprintable');
    expect(messages[0]).toBe('evaluate threw a value that cannot be shown, after it had returned');
    expect(isAlive).toBe(true);
  });

  it('is what a call of process.exit causes', async () => {
    const { messages, isAlive } = await lateErrors('exit');
    expect(messages[0]).toBe('evaluate threw Error: a policy must not call process.exit, after it had returned');
    expect(isAlive).toBe(true);
  });
});
