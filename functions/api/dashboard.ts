import { app, type HttpResponseInit } from '@azure/functions';
import { once } from '../../shared/once.ts';

/** `dashboard`: `GET /api/dashboard`, the history as a page. It holds nothing of the fleet: what it shows it asks of the API, with its own key. */
export function registerDashboard(): void {
  const page = once(async () => (await import('./dashboard/page.ts')).dashboardPage());
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
          // The key is in the address.
          'referrer-policy': 'no-referrer',
          'cache-control': 'no-store',
          'cross-origin-opener-policy': 'same-origin',
        },
        body: html,
      };
    },
  });
}
