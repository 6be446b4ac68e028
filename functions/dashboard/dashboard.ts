import { app, type HttpResponseInit } from '@azure/functions';
import { once } from '../../shared/once.ts';

/**
 * Registers the function `dashboard`, which answers `GET /api/dashboard`. `folder` holds the built files of the page. They are read on the
 * first request.
 */
export function registerDashboard(folder: string): void {
  const page = once(async () => (await import('./page.ts')).readPage(folder));
  app.http('dashboard', {
    methods: ['GET'],
    authLevel: 'function',
    route: 'dashboard',
    async handler(): Promise<HttpResponseInit> {
      const { html, contentSecurityPolicy } = await page();
      return {
        headers: {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': contentSecurityPolicy,
          'x-content-type-options': 'nosniff',
          // The address of the page contains the function key, so the browser must not send this address to other sites.
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-store',
          'cross-origin-opener-policy': 'same-origin',
        },
        body: html,
      };
    },
  });
}
