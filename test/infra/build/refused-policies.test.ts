import { execFile } from 'node:child_process';
import { cp, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const project = resolve(import.meta.dirname, '../../..');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'twinkeeper-refused-'));
  for (const name of ['functions', 'shared', 'infra', 'host.json', 'package.json', 'tsconfig.json']) {
    await cp(join(project, name), join(root, name), { recursive: true });
  }
  await writeFile(join(root, schema), 'unchanged');
  await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** A file that a build writes. */
const schema = 'functions/policies/policy.schema.json';

/** Replaces the list of deployed policies, and builds the project as `npm run build` does. */
async function buildWith(policies: string) {
  const text = `import { definePolicy } from '../../shared/policy/index.ts';\n${policies}`;
  await writeFile(join(root, 'functions/policies/index.ts'), text);
  return promisify(execFile)(process.execPath, ['infra/build/main.ts'], { cwd: root }).then(
    ({ stderr }) => ({ code: 0, stderr }),
    ({ code, stderr }: { readonly code: number; readonly stderr: string }) => ({ code, stderr }),
  );
}

describe('the build', () => {
  it.each([
    [
      'want different things',
      `export const policies = [
        definePolicy({ name: 'strict', module: 'agent', desired: { Interval: 1 } }),
        definePolicy({ name: 'loose', module: 'agent', desired: { Interval: 60, Extra: undefined } }),
        definePolicy({ name: 'Bad Name', desired: { A: 1 } }),
      ];`,
      [/Bad Name at name: must be kebab-case/, /loose at desired\.Interval: wants .*60.* policy strict wants .*1/],
    ],
    ['throw while they load', `throw new Error('no such plant'); export const policies = [];`, [/no such plant/]],
  ])('refuses policies that %s, says everything that is wrong, and writes nothing', async (_, policies, faults) => {
    const { code, stderr } = await buildWith(policies);
    expect(code).toBe(1);
    for (const fault of faults) expect(stderr).toMatch(fault);
    expect(stderr).not.toContain('    at ');
    expect(await readdir(root)).not.toContain('dist');
    expect(await readFile(join(root, schema), 'utf8')).toBe('unchanged');
  });
});
