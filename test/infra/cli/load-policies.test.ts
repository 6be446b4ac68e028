import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { policies as deployed } from '../../../functions/policies/index.ts';
import { loadPolicies, loadPolicyList } from '../../../infra/cli/load-policies.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';

const policyModule = resolve(import.meta.dirname, '../../../shared/policy/index.ts');

let root = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'twinkeeper-load-'));
});

afterAll(() => rm(root, { recursive: true }));

/** Makes a new folder with these files, and returns its path. */
async function folder(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(root, 'policies-'));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return path;
}

async function namesIn(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  return (await loadPolicies(await folder(files))).all.map(({ name }) => name);
}

const typescript = (name: string) =>
  `import { definePolicy, exactly } from '${policyModule}';
   const value: number = 1;
   export default definePolicy({ name: '${name}', desired: { '${name}': exactly({ value }) } });`;
const json = (name: string) => JSON.stringify({ name, desired: { [name]: { $oneOf: [1, 2], $otherwise: 1 } } });

describe('a folder of policies', () => {
  it('is loaded from all its TypeScript, JavaScript and JSON files', async () => {
    const path = await folder({
      'a.ts': typescript('a'),
      'b.json': json('b'),
      'c.mjs': `export default { name: 'c', desired: { c: 1 } };`,
      'd.js': `export const policies = [{ name: 'd', desired: { d: 1 } }, { name: 'e', desired: { e: 1 } }];`,
      'policy.schema.json': '{ "title": "a schema" }',
      'a.test.ts': 'throw new Error("a test");',
      'README.md': '# Policies',
      'parts/common.ts': 'export const common = 1;',
    });
    const { all } = await loadPolicies(path);
    expect(all.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(all.flatMap(({ owned }) => owned.map(({ rule }) => rule.rule))).toEqual([
      'exactly',
      'oneOf',
      'exactly',
      'exactly',
      'exactly',
    ]);
  });

  it('has each policy once, also when the index exports some of them again', async () => {
    const files = {
      'a.ts': typescript('a'),
      'b.json': json('b'),
      'draft.ts': typescript('draft'),
      'index.ts': `import a from './a.ts'; import b from './b.json' with { type: 'json' }; export const policies = [a, b];`,
    };
    expect(await namesIn(files)).toEqual(['a', 'b', 'draft']);
  });

  it('has the deployed policies when it is the folder of the app', async () => {
    const { all } = await loadPolicies('functions/policies');
    const names = all.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    // The folder can have more policies than the deployed list: a file that the list leaves out is loaded too.
    const byName = new Map(all.map((policy) => [policy.name, policy.owned]));
    for (const { name, owned } of toPolicySet(deployed, { mode: 'enforce' }).all) {
      expect([name, byName.get(name)]).toEqual([name, owned]);
    }
  });

  it('is refused with all faults at once, each with its file', async () => {
    const path = await folder({
      'bad.json': JSON.stringify({ name: 'Bad Name', desired: { a: null, b: { $between: [2, 1], $otherwise: 1 } } }),
      'good.ts': typescript('good'),
      'number.ts': 'export default 42;',
      'throws.ts': 'throw new Error("no way");',
      'none.ts': 'export const helper = 1;',
      'same.json': JSON.stringify({ name: 'good', desired: { x: 1 } }),
    });
    const message = await loadPolicies(path).then(String, (error: Error) => error.message);
    expect(message.split('\n')[0]).toMatch(/^\d faults in the policies of /);
    for (const [file, what] of [
      ['bad.json', 'Bad Name at name: must be kebab-case'],
      ['bad.json', 'Bad Name at desired.a: a twin cannot hold null'],
      ['bad.json', 'Bad Name at desired.b: the min of between, '],
      ['number.ts', 'policy 3: is not an object'],
      ['throws.ts', 'cannot be loaded: Error: no way'],
      ['none.ts', 'exports no policy'],
    ] as const) {
      expect(message).toContain(`  ${join(path, file)}: ${what}`);
    }
    expect(message).toContain(
      `${join(path, 'good.ts')} and ${join(path, 'same.json')}: good at name: another policy already has this name.`,
    );
  });

  it('is not the same as its deployed list: the list leaves out drafts, and each entry of the list counts', async () => {
    const path = await folder({
      'a.ts': typescript('a'),
      'draft.json': '{ "name": "Draft" }',
      'index.ts': `import a from './a.ts'; export const policies = [a];`,
      'twice.ts': `import a from './a.ts'; export const policies = [a, a];`,
      'none.ts': `import a from './a.ts'; export default a;`,
    });
    expect((await loadPolicyList(join(path, 'index.ts'))).all.map(({ name }) => name)).toEqual(['a']);
    await expect(loadPolicyList(join(path, 'twice.ts'))).rejects.toThrow('a at name: another policy already has');
    await expect(loadPolicyList(join(path, 'none.ts'))).rejects.toThrow('none.ts: exports no list named policies.');
    await expect(loadPolicies(path)).rejects.toThrow('Draft at name: must be kebab-case');
  });

  it('is refused with the line and column of a syntax error', async () => {
    const path = await folder({ 'a.ts': 'export default {', 'b.json': '{ "name": ' });
    await expect(loadPolicies(path)).rejects.toThrow(/a\.ts:1:\d+: [\s\S]*b\.json:1:\d+: /);
  });

  it('names the file that imports a missing package', async () => {
    const path = await folder({ 'a.ts': `import a from 'no-such-package';\nexport default a;`, 'b.json': json('b') });
    await expect(loadPolicies(path)).rejects.toThrow(/One fault [\s\S]*a\.ts[\s\S]*no-such-package/);
  });

  it.each<[string, Readonly<Record<string, string>>, RegExp]>([
    ['is empty', {}, /has no policies/],
    ['has only other files', { 'policy.schema.json': '{}' }, /has no policies/],
  ])('is refused when it %s', async (_, files, why) => {
    await expect(loadPolicies(await folder(files))).rejects.toThrow(why);
  });

  it('is refused when it does not exist or is a file', async () => {
    await expect(loadPolicies(join(root, 'nowhere'))).rejects.toThrow(`There is no folder ${join(root, 'nowhere')}.`);
    const file = join(await folder({ 'a.json': json('a') }), 'a.json');
    await expect(loadPolicies(file)).rejects.toThrow(`${file} is not a folder`);
  });
});
