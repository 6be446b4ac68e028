import { basename } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { type BuildOptions, build, type Metafile, type Plugin, transform } from 'esbuild';
import { directImports } from './direct-imports.ts';
import { embeddedDocument } from './embedded-document.ts';

/** Where an app begins: a file, or its source. */
export type AppEntry = Pick<BuildOptions, 'stdin'> | { readonly entryPoints: readonly [string] };

const common = { platform: 'node', target: 'node22', legalComments: 'none' } as const;

/**
 * Bundles a function app into the single file that Azure Functions loads, for the oldest Node that is supported.
 *
 * A bundle must be read and scanned from end to end before its first line runs, which takes longer than all the rest of a start-up that
 * has every package in it. So what is imported dynamically waits, as compressed text, until it is asked for (`late-code.ts`). It is the
 * bundler that divides the code, so every module is there once, whoever imports it. The text stands in comments: V8 passes over them
 * several times as fast as over a string, and does not keep them a second time.
 */
export async function bundleApp(entry: AppEntry, outfile: string): Promise<void> {
  const chunks = await divide(entry);
  const waiting = chunks.filter(({ isEarly }) => !isEarly);
  const shared = chunks.filter(({ id, isEarly }) => isEarly && waiting.some(({ imports }) => imports.includes(id)));
  const entries = await Promise.all(
    waiting.map(
      async (chunk) =>
        `${JSON.stringify(chunk.id)}:{name:${JSON.stringify(chunk.name)},text(){/*${await pack(chunk)}*/}}`,
    ),
  );
  await build({
    ...common,
    // What there is to say of the code has been said when it was divided.
    logLevel: 'error',
    stdin: {
      contents: [
        "import './main.js';",
        `import { share } from ${JSON.stringify(lateCode)};`,
        ...shared.map(({ id }, index) => `import * as shared${index} from '${id}';\nshare('${id}', shared${index});`),
      ].join('\n'),
      resolveDir: import.meta.dirname,
    },
    outfile,
    bundle: true,
    format: 'cjs',
    define: { 'import.meta.dirname': '__dirname' },
    external: runtimePackages,
    // Not the names: keeping them for stack traces by other means costs each start more than their length does.
    minifyWhitespace: true,
    minifySyntax: true,
    // V8 looks into regular expressions while it scans, and asks ICU for all letters there are. As text they are left until they are needed.
    supported: { 'regexp-unicode-property-escapes': false },
    footer: { js: `function waitingChunks(){return{${entries.join()}}}` },
    plugins: [divided(chunks)],
  });
}

/** The Functions runtime supplies it by intercepting `require`. */
const runtimePackages = ['@azure/functions-core'];

const lateCode = `${import.meta.dirname}/late-code.ts`;

/** A part of an app, as a module of its own. */
interface Chunk {
  /** By which others import it. */
  readonly id: string;
  /** What stack traces call it. */
  readonly name: string;
  readonly code: string;
  /** Whether it runs when the app starts. */
  readonly isEarly: boolean;
  /** The chunks that run before it. */
  readonly imports: readonly string[];
}

/** Divides an app where it imports dynamically. */
async function divide(entry: AppEntry): Promise<readonly Chunk[]> {
  const { outputFiles, metafile } = await build({
    ...common,
    logLevel: 'warning',
    ...('entryPoints' in entry ? { entryPoints: { main: entry.entryPoints[0] } } : entry),
    entryNames: 'main',
    chunkNames: '[name]-[hash]',
    outdir: 'chunks',
    bundle: true,
    splitting: true,
    format: 'esm',
    write: false,
    metafile: true,
    external: runtimePackages,
    plugins: [embeddedDocument, directImports],
  });
  const outputs = new Map(Object.entries(metafile.outputs).map(([path, output]) => [toId(path), output]));
  const importsOf = (id: string) =>
    (outputs.get(id)?.imports ?? [])
      .filter(({ kind, external }) => kind === 'import-statement' && external !== true)
      .map(({ path }) => toId(path));
  const early = new Set(['./main.js']);
  for (const id of early) for (const imported of importsOf(id)) early.add(imported);
  return outputFiles.map(({ path, text }) => {
    const id = toId(path);
    const name = `${mainInput(outputs.get(id))} (bundled)`;
    return { id, name, code: text, isEarly: early.has(id), imports: importsOf(id) };
  });
}

function toId(path: string): string {
  return `./${basename(path)}`;
}

/** The file that a chunk is about: the one that is imported, or the largest of those that several need. */
function mainInput(output: Metafile['outputs'][string] | undefined): string {
  const [largest] = Object.entries(output?.inputs ?? {}).toSorted(
    ([, one], [, other]) => other.bytesInOutput - one.bytesInOutput,
  );
  return output?.entryPoint ?? largest?.[0] ?? 'chunk';
}

/** Makes text of a chunk that waits, small enough to be carried along by every start. */
async function pack({ code }: Chunk): Promise<string> {
  const { code: small } = await transform(code, {
    ...common,
    format: 'cjs',
    minify: true,
    keepNames: true,
    // Other chunks are the bundle's business, of which Node's own `import()` knows nothing.
    supported: { 'dynamic-import': false },
    logLevel: 'error',
  });
  const params = { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY };
  return brotliCompressSync(small, { params }).toString('base64');
}

/** Puts the chunks that run from the start together again; those that wait are loaded where they are imported. */
const divided = (chunks: readonly Chunk[]): Plugin => ({
  name: 'divided',
  setup({ onResolve, onLoad }) {
    const byId = new Map(chunks.map((chunk) => [chunk.id, chunk]));
    onResolve({ filter: /^\.\// }, ({ path }) => {
      const chunk = byId.get(path);
      return chunk && { path, namespace: chunk.isEarly ? 'early' : 'waiting' };
    });
    onLoad({ filter: /.*/, namespace: 'early' }, ({ path }) => ({
      contents: byId.get(path)?.code ?? '',
      loader: 'js',
    }));
    onLoad({ filter: /.*/, namespace: 'waiting' }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(lateCode)}).load('${path}');`,
      resolveDir: import.meta.dirname,
      loader: 'js',
    }));
  },
});
