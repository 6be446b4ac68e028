import { brotliCompressSync, constants } from 'node:zlib';
import { type BuildOptions, build, type Plugin } from 'esbuild';

/**
 * Packages that the app imports dynamically ride along in the bundle as compressed text, unpacked and compiled when they are first asked
 * for. A bundle must be read and scanned from end to end before its first line runs: with the Azure SDKs as code, that alone takes
 * longer than all the rest of the start-up. It stays a single file.
 */
export const lazyPackages = (bundle: BuildOptions): Plugin => ({
  name: 'lazy-packages',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^[@a-z]/ }, ({ kind, path, importer }) =>
      kind === 'dynamic-import' && !path.startsWith('node:') && !importer.includes('node_modules')
        ? { path, namespace: 'lazy-package' }
        : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'lazy-package' }, async ({ path }) => {
      const { outputFiles } = await build({
        stdin: { contents: `module.exports = require(${JSON.stringify(path)})`, resolveDir: process.cwd() },
        ...bundle,
        write: false,
      });
      const packed = brotliCompressSync(outputFiles[0]?.contents ?? '', {
        params: { [constants.BROTLI_PARAM_QUALITY]: 9 },
      }).toString('base64');
      return {
        loader: 'js',
        contents: `
          const { compileFunction } = require('node:vm');
          const { brotliDecompressSync } = require('node:zlib');
          const source = brotliDecompressSync(Buffer.from('${packed}', 'base64')).toString();
          const run = compileFunction(source, ['module', 'exports', 'require', '__filename', '__dirname'], {
            filename: ${JSON.stringify(`${path} (bundled)`)},
          });
          run(module, exports, require, __filename, __dirname);`,
      };
    });
  },
});
