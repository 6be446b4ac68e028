import type { Plugin } from 'esbuild';
import { dashboardPage } from '../functions/api/dashboard/page.ts';

/** Puts the dashboard into the bundle as it is served, in place of the module that puts it together. */
export const embeddedPage: Plugin = {
  name: 'embedded-page',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]functions[\\/]api[\\/]dashboard[\\/]page\.ts$/ }, () => ({
      loader: 'js',
      contents: `const page = ${JSON.stringify(dashboardPage())};\nexport const dashboardPage = () => page;`,
    }));
  },
};
