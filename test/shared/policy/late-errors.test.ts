import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const script = join(import.meta.dirname, 'fixtures/late-errors.ts');

/** Runs the fixture, and returns its exit code, the lines of its output, and its error output. */
function run(...args: readonly string[]) {
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
        const { code, lines, errors } = await run(way, ending);
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
      const { code, lines, errors } = await run(way);
      expect(code).toBe(1);
      expect(errors).toContain('RangeError: too late');
      expect(lines).not.toContain('alive');
      expect((await run(way, 'exits')).code).toBe(3);
    },
  );
});
