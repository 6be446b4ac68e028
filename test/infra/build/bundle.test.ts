import { mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleFunctionApp } from '../../../infra/build/function-app.ts';

const sources = {
  'package.json': '{ "type": "module", "sideEffects": false }',
  'functions/main.ts': `
import { count, Fault } from '../shared/index.ts';
globalThis.bundled = {
  count,
  Fault,
  late: () => import('./late.ts'),
  other: () => import('./other.ts'),
  broken: () => import('./broken.ts'),
  plain: () => import('./plain.cjs'),
};`,
  'functions/late.ts': `
import { basename } from 'node:path';
import { count, Fault, remember, rest } from '../shared/index.ts';
globalThis.lateRuns = (globalThis.lateRuns ?? 0) + 1;
export const base = basename('/a/late-code');
export { count, remember, rest };
export function fail() { throw new Fault('late'); }
export const further = () => import('./other.ts');`,
  'functions/other.ts': `
import { Fault as First, recall } from '../shared/index.ts';
class Fault extends Error {}
export { Fault, First, recall };`,
  'functions/broken.ts': `
globalThis.brokenRuns = (globalThis.brokenRuns ?? 0) + 1;
export const value = (() => { if (globalThis.brokenRuns === 1) throw new Error('not yet'); return 'now'; })();`,
  'functions/plain.cjs': `module.exports = class Plain { greet() { return 'as CommonJS'; } };`,
  'shared/index.ts': `
export { count, Fault } from './early.ts';
export { recall, remember } from './memory.ts';
export { rest as rest } from './deep/index.ts';
`,
  'shared/early.ts': `
let counted = 0;
export const count = () => ++counted;
export class Fault extends Error {}`,
  'shared/memory.ts': `
let remembered = '';
export const remember = (text: string) => { remembered = text; };
export const recall = () => remembered;`,
  'shared/deep/index.ts': `export { unneeded as rest } from './unneeded.ts';\n`,
  'shared/deep/unneeded.ts': `export const unneeded = () => 'a sentence that the start does not need';`,
};

interface Bundled {
  count(): number;
  readonly Fault: new () => Error;
  late(): Promise<{
    readonly base: string;
    count(): number;
    fail(): never;
    remember(text: string): void;
    rest(): string;
    further(): Promise<{ recall(): string }>;
  }>;
  other(): Promise<{ readonly Fault: new () => Error; recall(): string }>;
  broken(): Promise<{ readonly value: string }>;
  plain(): Promise<{ readonly default: new () => { greet(): string } }>;
}
const world = globalThis as { bundled?: Bundled; lateRuns?: number; brokenRuns?: number };

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await realpath(await mkdtemp(join(tmpdir(), 'twinkeeper-bundle-')));
  for (const [name, text] of Object.entries(sources)) {
    await mkdir(join(folder, dirname(name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  await bundleFunctionApp(join(folder, 'functions/main.ts'), join(folder, 'dist'));
  file = join(folder, 'dist/main.cjs');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let app: Bundled;
beforeEach(() => {
  delete world.bundled;
  world.lateRuns = 0;
  world.brokenRuns = 0;
  const require = createRequire(file);
  for (const loaded of Object.keys(require.cache)) if (loaded.startsWith(folder)) delete require.cache[loaded];
  require(file);
  if (world.bundled === undefined) throw new Error('The bundle did not run.');
  app = world.bundled;
});

describe('a bundled function app', () => {
  it('runs a dynamically imported file once, at its first import', async () => {
    expect(world.lateRuns).toBe(0);
    const [late] = await Promise.all([app.late(), app.late()]);
    await app.late();
    expect(world.lateRuns).toBe(1);
    expect(late.base).toBe('late-code');
  });

  it('shares one instance of a module between the start and a chunk', async () => {
    const late = await app.late();
    expect([app.count(), late.count(), app.count()]).toEqual([1, 2, 3]);
    expect(() => late.fail()).toThrow(app.Fault);
  });

  it('shares one instance of a module between two chunks', async () => {
    const other = await app.other();
    const late = await app.late();
    late.remember('this');
    expect(other.recall()).toBe('this');
    expect((await late.further()).recall()).toBe('this');
  });

  it('loads a chunk again after a failure', async () => {
    await expect(app.broken()).rejects.toThrow('not yet');
    expect((await app.broken()).value).toBe('now');
  });

  it('imports CommonJS as Node does', async () => {
    const { default: Plain } = await app.plain();
    expect(new Plain().greet()).toBe('as CommonJS');
  });

  it('keeps the names of classes, two of the same name included', async () => {
    const { default: Plain } = await app.plain();
    const { Fault: OtherFault } = await app.other();
    expect([app.Fault.name, OtherFault.name, Plain.name]).toEqual(['Fault', 'Fault', 'Plain']);
    expect(OtherFault).not.toBe(app.Fault);
  });

  it('leaves to a chunk what an index exports and the start does not import', async () => {
    const early = ['main.cjs', 'chunks/start.cjs'].map((name) => readFile(join(folder, 'dist', name), 'utf8'));
    expect((await Promise.all(early)).join()).not.toContain('a sentence that the start does not need');
    expect((await app.late()).rest()).toBe('a sentence that the start does not need');
  });
});
