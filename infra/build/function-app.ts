import { build, type PreRenderedChunk, type RolldownOutput } from 'rolldown';
import { packageNameOf } from './packages.ts';

/**
 * Bundles a function app into a folder. Writes `main.cjs`, which the Functions worker loads, and `chunks/` with a file for each part that
 * the app imports dynamically. Returns the written files, with the source maps.
 *
 * @param entry the absolute path of the file that registers the functions
 */
export async function bundleFunctionApp(entry: string, folder: string): Promise<RolldownOutput['output']> {
  const { output } = await build({
    input: { main: entry },
    platform: 'node',
    // This package is not bundled: the Functions worker provides it at runtime.
    external: ['@azure/functions-core'],
    // Dependencies of azure-iothub import `punycode`. The npm package replaces Node's own module, which is deprecated and makes Node print
    // a warning.
    resolve: { alias: { punycode: 'punycode/punycode.js' } },
    transform: { target: 'node22' },
    logLevel: 'warn',
    output: {
      dir: folder,
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: (chunk) => `chunks/${chunkName(chunk)}.cjs`,
      // Names of classes are kept because SDKs compare them: azure-iothub reads `error.constructor.name` to decide whether to retry.
      keepNames: true,
      minify: { mangle: { keepNames: true }, compress: { keepNames: { function: true, class: true } } },
      comments: { legal: false, annotation: false, jsdoc: false },
      sourcemap: true,
      // The source maps do not contain the source texts. Stack traces need only file names and lines, and small maps make the start
      // faster: Node parses the whole map of each file that it loads.
      sourcemapExcludeSources: true,
      codeSplitting: {
        groups: [
          // This file gets a chunk of its own. Node must run it after the libraries and before the rest: see functions/main.ts.
          { name: 'source-maps', test: /[\\/]functions[\\/]source-maps\.ts$/, priority: 3 },
          { name: 'libraries', tags: ['$initial'], test: /[\\/]node_modules[\\/]/, priority: 2 },
          { name: 'start', tags: ['$initial'], test: (id) => id !== entry, priority: 1 },
        ],
      },
    },
  });
  return output;
}

/** The name of a chunk. If the app imports an npm package dynamically, the chunk has the name of the package. */
function chunkName({ name, facadeModuleId }: PreRenderedChunk): string {
  const packageName = facadeModuleId === null ? undefined : packageNameOf(facadeModuleId);
  return packageName === undefined ? name : packageName.replace('@', '').replace('/', '-');
}
