import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { SourceMap, type SourceMapping } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Validation } from '@cyclonedx/cyclonedx-library';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unreachable } from '../../../infra/bench/loaded-app.ts';
import { bundleScript } from '../../../infra/build/command.ts';
import { bundleFunctionApp } from '../../../infra/build/function-app.ts';
import { sbomVersion } from '../../../infra/build/sbom.ts';
import { writeFunctionApp } from '../../../infra/build/write-function-app.ts';
import { projectRoot } from '../../../infra/local/project.ts';

const root = projectRoot();
let parent: string;
let folder: string;
let written: readonly string[];
/** A folder outside the project. No folder above it has a `node_modules`. */
let elsewhere: string;
let runner: string;
beforeAll(async () => {
  await mkdir(join(root, '.twinkeeper'), { recursive: true });
  parent = await mkdtemp(join(root, '.twinkeeper/test-build-'));
  folder = join(parent, 'app');
  written = await writeFunctionApp(root, folder);
  elsewhere = await realpath(await mkdtemp(join(tmpdir(), 'twinkeeper-function-app-')));
  await cp(folder, join(elsewhere, 'app'), { recursive: true });
  runner = join(elsewhere, 'run-app.mjs');
  await bundleScript(join(import.meta.dirname, 'fixtures/run-app.ts'), runner);
});
afterAll(async () => {
  await rm(parent, { recursive: true, force: true });
  await rm(elsewhere, { recursive: true, force: true });
});

const read = (name: string) => readFile(join(folder, name), 'utf8');

async function filesIn(path: string): Promise<readonly string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

interface Outcome {
  readonly answer?: { readonly status?: number; readonly body?: string; readonly jsonBody?: Record<string, unknown> };
  readonly stack?: string;
}

/** Calls a function of the app in a new process. */
async function call(name: string, message?: string) {
  const args = [runner, join(elsewhere, 'app/main.cjs'), name, ...(message === undefined ? [] : [message])];
  const { PATH } = process.env;
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, {
    cwd: elsewhere,
    env: { PATH, ...unreachable },
  });
  return { outcome: JSON.parse(stdout) as Outcome, stderr };
}

interface Component {
  readonly group?: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly licenses: readonly unknown[];
}

async function components(): Promise<readonly Component[]> {
  return (JSON.parse(await read('sbom.cdx.json')) as { components: Component[] }).components;
}

const fullName = ({ group, name }: Component) => (group === undefined ? name : `${group}/${name}`);

describe('the folder that is deployed', () => {
  it('holds the files that the build names, and no others', async () => {
    expect((await filesIn(folder)).toSorted()).toEqual([...written].toSorted());
    expect((await readdir(folder)).toSorted()).toEqual([
      'THIRD-PARTY-NOTICES.txt',
      'chunks',
      'dashboard',
      'host.json',
      'main.cjs',
      'main.cjs.map',
      'package.json',
      'sbom.cdx.json',
    ]);
    const chunks = await readdir(join(folder, 'chunks'));
    const scripts = chunks.filter((name) => name.endsWith('.cjs'));
    expect(scripts).toContain('azure-iothub.cjs');
    expect(chunks.filter((name) => !/\.cjs(\.map)?$/.test(name))).toEqual([]);
  });

  it('holds no package that only the command needs', async () => {
    const names = (await components()).map(fullName);
    for (const name of ['@azure/arm-iothub', 'commander', 'cli-table3', 'picocolors'])
      expect(names).not.toContain(name);
  });

  it('has a package.json with name, version and main, and our host.json', async () => {
    const { name, version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
    expect(JSON.parse(await read('package.json'))).toEqual({ name, version, main: 'main.cjs' });
    expect(await read('host.json')).toBe(await readFile(join(root, 'host.json'), 'utf8'));
  });

  it('names no folder of this machine', async () => {
    for (const file of await filesIn(folder)) expect(await readFile(file, 'utf8'), file).not.toContain(root);
  });

  it('is the same after a second build', async () => {
    const again = join(parent, 'again');
    await writeFunctionApp(root, again);
    for (const file of written) {
      const other = join(again, file.slice(folder.length + 1));
      expect(await readFile(other, 'utf8'), file).toBe(await readFile(file, 'utf8'));
    }
  });

  it('has each module in one chunk only', async () => {
    const output = await bundleFunctionApp(join(root, 'functions/main.ts'), join(parent, 'chunks-only'));
    const modules = output.flatMap((file) =>
      file.type === 'chunk' ? file.moduleIds.filter((id) => (file.modules[id]?.renderedLength ?? 0) > 0) : [],
    );
    expect(modules.length).toBeGreaterThan(100);
    expect(modules.filter((id, index) => modules.indexOf(id) !== index)).toEqual([]);
  });
});

describe('the bill of materials', () => {
  it('keeps to the CycloneDX schema', async () => {
    const fault = await new Validation.JsonStrictValidator(sbomVersion).validate(await read('sbom.cdx.json'));
    expect(fault).toBeNull();
  });

  it('names each package that the source maps name, with version, address and licence', async () => {
    const listed = await components();
    const maps = (await filesIn(folder)).filter((file) => file.endsWith('.map'));
    const sources = await Promise.all(
      maps.map(async (file) => (JSON.parse(await readFile(file, 'utf8')) as { sources: string[] }).sources),
    );
    const names = sources
      .flat()
      .map((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1])
      .filter((name) => name !== undefined);
    expect(new Set(names)).toContain('azure-iothub');
    expect(new Set([...names, 'uplot'])).toEqual(new Set(listed.map(fullName)));
    for (const { name, version, purl, licenses } of listed) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+/);
      expect(purl).toMatch(new RegExp(`^pkg:npm/.*${name}@${version}$`));
      expect(licenses, name).toHaveLength(1);
    }
  });
});

describe('the notices', () => {
  it('hold the licence file of each package', async () => {
    const notices = await read('THIRD-PARTY-NOTICES.txt');
    for (const component of await components()) {
      expect(notices).toContain(`\n${fullName(component)} ${component.version}\nLicence: `);
    }
    for (const name of ['azure-iothub', '@azure/functions', 'zod', 'punycode', 'uplot']) {
      const folderOfPackage = join(root, 'node_modules', name);
      const license = (await readdir(folderOfPackage)).find((file) => /^licen[cs]e/i.test(file)) ?? '';
      const text = await readFile(join(folderOfPackage, license), 'utf8');
      expect(notices, name).toContain(text.trim().replaceAll('\r\n', '\n'));
    }
  });
});

describe('the app without node_modules', () => {
  it('starts and calls the hub without a warning', async () => {
    const { outcome, stderr } = await call('device-reconcile');
    expect(outcome.answer?.body).toContain('The IoT hub does not answer.');
    expect(stderr).toBe('');
  });

  it('has a source map of the start that names the TypeScript lines', async () => {
    const text = 'Twinkeeper has not started.';
    const code = (await read('chunks/start.cjs')).split('\n');
    const line = code.findIndex((each) => each.includes(text));
    const map = new SourceMap(JSON.parse(await read('chunks/start.cjs.map')));
    const { originalSource, originalLine } = map.findEntry(line, code[line]?.indexOf(text) ?? 0) as SourceMapping;
    expect(originalSource).toMatch(/functions\/start\.ts$/);
    const source = (await readFile(join(root, 'functions/start.ts'), 'utf8')).split('\n');
    expect(source[originalLine]).toContain(text);
  });

  it.each([
    ['the chunk of the first event', 'deferred', 'shared/retry/deferred-queue.ts'],
    ['the chunk of the sweep', 'sweep-work', 'shared/sweep/work-queue.ts'],
  ])('names the TypeScript line of an error in %s', async (_, name, file) => {
    const { outcome } = await call(name, 'rubbish');
    const line = Number(new RegExp(`${file}:(\\d+):\\d+\\)`).exec(outcome.stack ?? '')?.[1]);
    const source = (await readFile(join(root, file), 'utf8')).split('\n');
    expect(source[line - 1]).toContain('throw new TypeError(');
  });

  it('answers with the dashboard and with the document of its API', async () => {
    const [page, document] = await Promise.all([call('dashboard'), call('openapi')]);
    expect(page.outcome.answer?.body).toContain('<!doctype html>');
    expect(document.outcome.answer?.jsonBody).toMatchObject({ openapi: '3.1.0' });
  });
});
