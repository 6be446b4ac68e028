import type { BuildOptions } from 'esbuild';
import { embeddedPage } from './embedded-page.ts';
import { lazyPackages } from './lazy-packages.ts';

/** How CommonJS bundles are made: small, for the oldest Node that is supported, with names left for stack traces. */
export const commonJsBundle = {
  bundle: true,
  platform: 'node',
  target: 'node22',
  format: 'cjs',
  minify: true,
  keepNames: true,
  legalComments: 'none',
  logLevel: 'warning',
} as const satisfies BuildOptions;

/** How a function app is bundled into the single file that Azure Functions loads. */
export const appBundle = {
  ...commonJsBundle,
  // The Functions runtime supplies it by intercepting `require`.
  external: ['@azure/functions-core'],
  plugins: [lazyPackages(commonJsBundle), embeddedPage],
} satisfies BuildOptions;
