import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { bundleApp } from '../../infra/app-bundle.ts';

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
import { recall } from '../shared/index.ts';
export { recall };`,
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
  'shared/deep/unneeded.ts': `export const unneeded = () => 'a sentence that no start has any need of';`,
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
  other(): Promise<{ recall(): string }>;
  broken(): Promise<{ readonly value: string }>;
  plain(): Promise<{ readonly default: new () => { greet(): string } }>;
}
const world = globalThis as { bundled?: Bundled; lateRuns?: number; brokenRuns?: number };

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-bundle-'));
  for (const [name, text] of Object.entries(sources)) {
    await mkdir(join(folder, dirname(name)), { recursive: true });
    await writeFile(join(folder, name), text);
  }
  file = join(folder, 'dist/main.cjs');
  await bundleApp({ entryPoints: [join(folder, 'functions/main.ts')] }, file);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

let app: Bundled;
beforeEach(() => {
  delete world.bundled;
  world.lateRuns = 0;
  world.brokenRuns = 0;
  const require = createRequire(file);
  delete require.cache[file];
  require(file);
  if (world.bundled === undefined) throw new Error('The bundle did not run.');
  app = world.bundled;
});

describe('an app in one file', () => {
  it('runs what it imports dynamically when that is asked for, and once', async () => {
    expect(world.lateRuns).toBe(0);
    const [late] = await Promise.all([app.late(), app.late()]);
    await app.late();
    expect(world.lateRuns).toBe(1);
    expect(late.base).toBe('late-code');
  });

  it('has one instance of what code from the start and code from later both import', async () => {
    const late = await app.late();
    expect([app.count(), late.count(), app.count()]).toEqual([1, 2, 3]);
    expect(() => late.fail()).toThrow(app.Fault);
  });

  it('has one instance of what only later code imports, whoever asks for it first', async () => {
    const other = await app.other();
    const late = await app.late();
    late.remember('this');
    expect(other.recall()).toBe('this');
    expect((await late.further()).recall()).toBe('this');
  });

  it('names the file in stack traces of later code, and the function', async () => {
    const late = await app.late();
    const thrown = ((): unknown => {
      try {
        return late.fail();
      } catch (error) {
        return error;
      }
    })();
    expect((thrown as Error).stack).toMatch(/at .*fail \(.*functions\/late\.ts \(bundled\):\d+:\d+\)/);
  });

  it('tries again what failed to load', async () => {
    await expect(app.broken()).rejects.toThrow('not yet');
    expect((await app.broken()).value).toBe('now');
  });

  it('imports CommonJS as Node does', async () => {
    const { default: Plain } = await app.plain();
    expect(new Plain().greet()).toBe('as CommonJS');
  });

  it('leaves to later what an index names beside what is needed from the start', async () => {
    expect(await readFile(file, 'utf8')).not.toContain('a sentence that no start has any need of');
    expect((await app.late()).rest()).toBe('a sentence that no start has any need of');
  });
});
