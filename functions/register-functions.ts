import { registerAfterInvocations } from './after-invocations.ts';
import { registerHealth } from './api/health.ts';
import { registerApi } from './api/index.ts';
import { registerDashboard } from './dashboard/index.ts';
import { registerDeferred } from './deferred.ts';
import { registerHousekeeping } from './housekeeping.ts';
import type { LazyApp } from './lazy-app.ts';
import { registerOperators } from './operators/index.ts';
import { registerSeal } from './seal.ts';
import { registerSweep } from './sweep.ts';
import { registerTwinEvents } from './twin-events.ts';

/**
 * Registers every function of the app with Azure Functions. `dashboardFolder` is the folder with the built files of the dashboard's page.
 */
export function registerFunctions(twinkeeper: LazyApp, dashboardFolder: string): void {
  registerTwinEvents(twinkeeper);
  registerDeferred(twinkeeper);
  registerSweep(twinkeeper);
  registerHousekeeping(twinkeeper);
  registerSeal(twinkeeper);
  registerHealth(twinkeeper);
  const endpoints = registerApi(twinkeeper);
  registerDashboard(dashboardFolder);
  if (twinkeeper.settings.operators === 'entra') registerOperators(endpoints, dashboardFolder);
  registerAfterInvocations(twinkeeper);
}
