import { app } from '@azure/functions';

/**
 * Registers the function `dashboard`, which answers `GET /api/dashboard`. `folder` holds the built files of the page. They are read on the
 * first request. The page has no data of its own and needs no key, so that a person with a wrong key gets a page that says what to do. Each
 * request of the page for data needs the key.
 */
export function registerDashboard(folder: string): void {
  app.http('dashboard', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'dashboard',
    handler: async () => (await import('./page.ts')).answerDashboard(folder),
  });
}
