import { registerDashboard } from './api/dashboard.ts';
import { registerHealth } from './api/health.ts';
import { registerApi } from './api/index.ts';
import type { App } from './compose.ts';
import { registerDeferred } from './deferred.ts';
import { registerHousekeeping } from './housekeeping.ts';
import { registerSweep } from './sweep.ts';
import { registerTwinEvents } from './twin-events.ts';

/** Registers every function of the app with Azure Functions. The host calls them from then on. */
export function registerFunctions(twinkeeper: App): void {
  registerTwinEvents(twinkeeper);
  registerDeferred(twinkeeper);
  registerSweep(twinkeeper);
  registerHousekeeping(twinkeeper);
  registerHealth(twinkeeper);
  registerApi(twinkeeper);
  registerDashboard();
}
