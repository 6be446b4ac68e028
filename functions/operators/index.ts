/**
 * Operators who sign in by name. With `TWINKEEPER_OPERATORS=entra`, the API and the dashboard have a second address, below `/api/user/`.
 * There App Service authentication signs the operator in with Microsoft Entra ID, and the app roles `Twinkeeper.Reader` and
 * `Twinkeeper.Operator` open reading and acting. A second address is needed because the Functions host demands the keys of the other
 * addresses before any code of the app runs.
 *
 * @module
 */
import { app } from '@azure/functions';
import type { LoadEndpoints } from '../api/index.ts';
import { type RouteName, routes } from '../api/routes.ts';

/**
 * Registers the API and the dashboard for operators who sign in. `loadEndpoints` loads the endpoints that the addresses with a key have
 * too, and `dashboardFolder` holds the built files of the page. The code that checks a sign-in is loaded on the first request.
 */
export function registerOperators(loadEndpoints: LoadEndpoints, dashboardFolder: string): void {
  for (const [name, { method, route }] of Object.entries(routes)) {
    app.http(`user-${name}`, {
      methods: [method],
      authLevel: 'anonymous',
      route: `user/${route}`,
      handler: async (request, context) => {
        const { answerOperator } = await import('./answer-operator.ts');
        return answerOperator(request, context, loadEndpoints, name as RouteName);
      },
    });
  }
  app.http('user-dashboard', {
    methods: ['GET'],
    authLevel: 'anonymous',
    route: 'user/dashboard',
    handler: async (request, context) =>
      (await import('./answer-operator.ts')).answerPage(request, context, dashboardFolder),
  });
}
