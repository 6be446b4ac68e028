import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkNodeVersion } from '../../infra/cli/check-node-version.ts';

const project = resolve(import.meta.dirname, '../..');
let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'twinkeeper-no-build-'));
  await cp(join(project, 'package.json'), join(root, 'package.json'));
  await mkdir(join(root, 'infra'));
  await cp(join(project, 'infra/check-build.js'), join(root, 'infra/check-build.js'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

const run = () => spawnSync('npm', ['run', '--silent', 'twinkeeper', '--', 'status'], { cwd: root, encoding: 'utf8' });

describe('npm run twinkeeper', () => {
  it('asks for a build in one sentence when there is none', () => {
    const { status, stdout, stderr } = run();
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^\S+twinkeeper\.js is missing: run `npm run build`\.\n$/);
  });

  it('runs the command with its arguments when there is a build', async () => {
    await mkdir(join(root, 'dist'));
    await writeFile(join(root, 'dist/twinkeeper.js'), 'console.log(process.argv[2]);');
    expect(run()).toMatchObject({ status: 0, stdout: 'status\n', stderr: '' });
  });
});

describe('the version of Node', () => {
  it.each(['18.20.8', '20.20.2', '22.9.0', '22.17.1'])(
    'is refused when it is %s, with one sentence that says what to do',
    (version) => {
      expect(() => checkNodeVersion(version)).toThrow(
        new RegExp(`^Node ${version} cannot run twinkeeper: run \`npm start\`.*Node 22\\.18 or newer\\.$`),
      );
    },
  );

  it.each(['22.18.0', '22.21.1', '24.0.0', '24.21.0'])('is accepted when it is %s', (version) => {
    expect(() => checkNodeVersion(version)).not.toThrow();
  });

  it('has the limit that package.json names', async () => {
    const { engines } = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    const oldest = engines.node.replace('>=', '');
    expect(() => checkNodeVersion(oldest)).not.toThrow();
    const [major = 0, minor = 0] = oldest.split('.').map(Number);
    expect(() => checkNodeVersion(`${major}.${minor - 1}.99`)).toThrow(`Node ${major}.${minor} or newer`);
  });
});
