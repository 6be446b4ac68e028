import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const runLate = (...args: readonly string[]) => run('late-errors.ts', ...args);

/** Runs a fixture, and returns its exit code, the lines of its output, and its error output. */
function run(fixture: string, ...args: readonly string[]) {
  const script = join(import.meta.dirname, 'fixtures', fixture);
  return new Promise<{ readonly code: unknown; readonly lines: readonly string[]; readonly errors: string }>(
    (resolve) => {
      execFile(process.execPath, [script, ...args], (error, stdout, errors) => {
        resolve({ code: error?.code ?? 0, lines: stdout.trim().split('\n'), errors });
      });
    },
  );
}

describe('an error of a policy function after its call returned', () => {
  it.each(['timer', 'immediate', 'callback', 'rejection', 'async', 'nested'])(
    'is caught, and named with its policy and device: %s',
    async (way) => {
      for (const ending of ['', 'exits']) {
        const { code, lines, errors } = await runLate(way, ending);
        expect(errors).toBe('');
        expect(code).toBe(0);
        const message = 'evaluate threw RangeError: too late, after it had returned';
        expect(lines.map((line) => (line === 'alive' ? line : (JSON.parse(line) as unknown))).slice(0, 4)).toEqual([
          { findings: [] },
          { policy: 'custom', functionName: 'evaluate', deviceId: 'device-1', moduleId: 'm', state: '7 e', message },
          { fault: message },
          { findings: [] },
        ]);
        expect(lines).toContain('alive');
      }
    },
  );

  it.each(['other', 'otherRejection'])(
    'is not confused with an error of other code, which ends the process: %s',
    async (way) => {
      const { code, lines, errors } = await runLate(way);
      expect(code).toBe(1);
      expect(errors).toContain('RangeError: too late');
      expect(lines).not.toContain('alive');
      expect((await runLate(way, 'exits')).code).toBe(3);
    },
  );
});

describe('custom code that is stopped within a shared time limit', () => {
  it('has a limit of its own when it runs alone, and leaves other code its rights', async () => {
    const { code, lines, errors } = await run('shared-time-limit.ts');
    expect(errors).toBe('');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      [true, { fault: 'evaluate took longer than 250 ms' }],
    ]);
    expect(code).toBe(7);
  });
});
