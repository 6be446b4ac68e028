import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { az } from '../../../infra/cli/az-command.ts';

describe('a command of the Azure CLI', () => {
  it('has its options in kebab case, and lists', () => {
    expect(az('x y', { hubName: 'h', systemAssigned: [], settings: ['a=1', 'b=2'] })).toBe(
      'az x y --hub-name h --system-assigned --settings a=1 b=2',
    );
  });

  it.skipIf(process.platform === 'win32')('gives a shell exactly the values that were meant', () => {
    const value = fc.string({ unit: fc.constantFrom(...`aZ0 '"\\$\`;&|<>(){}[]*?!#~=%,\n-`), minLength: 1 });
    const samples = fc.sample(value, { numRuns: 300, seed: 1 });
    const command = az('values', { these: samples });
    // In the shell, `az` is a function that prints its arguments.
    const printed = execFileSync('sh', ['-c', `az() { printf '%s\\0' "$@"; }\n${command}`], { encoding: 'utf8' });
    expect(printed.split('\0').slice(0, -1)).toEqual(['values', '--these', ...samples]);
  });
});
