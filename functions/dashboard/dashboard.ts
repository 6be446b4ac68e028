import { app } from '@azure/functions';

/**
 * Registers the function `dashboard`, which answers `GET /api/dashboard`. `folder` holds the built files of the page. They are read on the
 * first request.
 */
export function registerDashboard(folder: string): void {
  app.http('dashboard', {
    methods: ['GET'],
    authLevel: 'function',
    route: 'dashboard',
    handler: async () => (await import('./page.ts')).answerDashboard(folder),
  });
}
