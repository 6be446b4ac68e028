import { build, type PreRenderedChunk, type RolldownOutput } from 'rolldown';
import { packageNameOf } from './packages.ts';

/**
 * Bundles a function app into a folder: `main.cjs`, which the Functions worker loads, and `chunks/`, one for each part that the app
 * imports dynamically. Returns the files that were written, source maps included.
 *
 * @param entry the absolute path of the file that registers the functions
 */
export async function bundleFunctionApp(entry: string, folder: string): Promise<RolldownOutput['output']> {
  const { output } = await build({
    input: { main: entry },
    platform: 'node',
    // The Functions worker supplies this package when the app requires it.
    external: ['@azure/functions-core'],
    // azure-iothub's dependencies use Node's own punycode, which is deprecated: Node would print a warning.
    resolve: { alias: { punycode: 'punycode/punycode.js' } },
    transform: { target: 'node22' },
    logLevel: 'warn',
    output: {
      dir: folder,
      format: 'cjs',
      entryFileNames: '[name].cjs',
      chunkFileNames: (chunk) => `chunks/${chunkName(chunk)}.cjs`,
      // The SDKs compare names of classes: azure-iothub decides by `error.constructor.name` whether to try again.
      keepNames: true,
      minify: { mangle: { keepNames: true }, compress: { keepNames: { function: true, class: true } } },
      comments: { legal: false, annotation: false, jsdoc: false },
      sourcemap: true,
      // Stack traces need file names and lines only. Node parses the whole map of each file that it loads.
      sourcemapExcludeSources: true,
      codeSplitting: {
        groups: [
          // Node has to run it before it loads the rest of our own code, see functions/main.ts.
          { name: 'source-maps', test: /[\\/]functions[\\/]source-maps\.ts$/, priority: 3 },
          { name: 'libraries', tags: ['$initial'], test: /[\\/]node_modules[\\/]/, priority: 2 },
          { name: 'start', tags: ['$initial'], test: (id) => id !== entry, priority: 1 },
        ],
      },
    },
  });
  return output;
}

/** Names the chunk of a dynamically imported package after the package. */
function chunkName({ name, facadeModuleId }: PreRenderedChunk): string {
  const packageName = facadeModuleId === null ? undefined : packageNameOf(facadeModuleId);
  return packageName === undefined ? name : packageName.replace('@', '').replace('/', '-');
}
