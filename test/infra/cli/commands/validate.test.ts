import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { buildOwnProject } from '../../../support/own-project.ts';

let root: string;
let folder: string;
beforeAll(async () => {
  ({ root } = await buildOwnProject());
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-validate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function validate(...args: readonly string[]) {
  const run = twinkeeper(['validate', ...args], root);
  return { code: await run.ended, stdout: run.stdout(), stderr: run.stderr() };
}

/** Makes a folder with two policies that want different things of one property, and with a third that has a fault of its own. */
async function wrongPolicies(): Promise<string> {
  const path = join(folder, 'wrong');
  await mkdir(path, { recursive: true });
  const files = {
    'strict.json': { name: 'strict', module: 'agent', desired: { Interval: 1 } },
    'loose.json': { name: 'loose', module: 'agent', desired: { Interval: 60 } },
    'empty.json': { name: 'empty' },
  };
  for (const [name, policy] of Object.entries(files)) await writeFile(join(path, name), JSON.stringify(policy));
  return path;
}

describe('twinkeeper validate', () => {
  it('accepts the deployed policies, and names them', async () => {
    const { code, stdout, stderr } = await validate();
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^All 2 policies are right\.\n/);
    expect(stdout).toMatch(/^defender-micro-agent +DefenderIotMicroAgent +enforce +12$/m);
  });

  it('refuses wrong policies with exit code 1, and says everything that is wrong', async () => {
    const path = await wrongPolicies();
    const { code, stdout, stderr } = await validate('--policies', path);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^twinkeeper: 2 faults in the policies of /);
    expect(stderr).toContain(`${join(path, 'empty.json')}: empty: has nothing to check.`);
    expect(stderr).toContain(
      `${join(path, 'strict.json')}: strict at desired.Interval: wants exactly(1), but the policy loose`,
    );
  });

  it.each([
    ['ends the process', 'process.exit(0);'],
    ['waits for ever', 'await new Promise(() => {});'],
  ])('refuses a policy file that %s while it loads', async (_, statement) => {
    const path = await mkdtemp(join(folder, 'ending-'));
    await writeFile(join(path, 'ending.ts'), `${statement}\nexport default { name: 'a', desired: { b: 1 } };\n`);
    const { code, stdout, stderr } = await validate('--policies', path);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toContain(`The policies of ${path} cannot be loaded: the process ended while their files ran.`);
  });

  it('prints one JSON document with --json, for right and for wrong policies', async () => {
    const right = await validate('--json');
    expect([right.code, JSON.parse(right.stdout)]).toEqual([
      0,
      {
        valid: true,
        policies: [
          { name: 'azureiotsecurity', module: 'azureiotsecurity', mode: 'enforce', properties: 4 },
          { name: 'defender-micro-agent', module: 'DefenderIotMicroAgent', mode: 'enforce', properties: 12 },
        ],
        faults: [],
      },
    ]);
    const path = await wrongPolicies();
    const wrong = await validate('--json', '--policies', path);
    expect([wrong.code, wrong.stderr]).toEqual([1, '']);
    expect(JSON.parse(wrong.stdout)).toEqual({
      valid: false,
      policies: [],
      faults: [
        { file: join(path, 'empty.json'), policy: 'empty', message: expect.stringContaining('nothing to check') },
        {
          file: join(path, 'strict.json'),
          policy: 'strict',
          path: 'desired.Interval',
          message: expect.stringContaining('the policy loose wants exactly(60)'),
        },
      ],
    });
  });

  it('has a help text with examples', async () => {
    const { code, stdout } = await validate('--help');
    expect(code).toBe(0);
    expect(stdout).toMatch(/Examples:\n {2}\$ twinkeeper validate /);
  });
});
