import { brotliCompressSync } from 'node:zlib';
import type { Plugin } from 'esbuild';
import { dashboardPage } from '../functions/api/dashboard/page.ts';

/**
 * Puts the dashboard into the bundle as it is served, in place of the module that puts it together: compressed, because most instances of
 * the app start without ever being asked for it.
 */
export const embeddedPage: Plugin = {
  name: 'embedded-page',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]functions[\\/]api[\\/]dashboard[\\/]page\.ts$/ }, () => {
      const packed = brotliCompressSync(JSON.stringify(dashboardPage())).toString('base64');
      return {
        loader: 'js',
        // Required where it is needed: every start of the app would pay for it otherwise.
        contents: `
          export const dashboardPage = () =>
            JSON.parse(require('node:zlib').brotliDecompressSync(Buffer.from('${packed}', 'base64')).toString());`,
      };
    });
  },
};
