/**
 * The entry of the function app: reads the settings, checks the policies, registers the triggers. When a setting or a policy is wrong it
 * throws, and the app does not start.
 */

// Node reads the source maps of files that load after it was told to. The libraries load before: their maps would take 5 ms of a start.
import '@azure/functions';
import './source-maps.ts';

import { registerDashboard } from './api/dashboard.ts';
import { registerHealth } from './api/health.ts';
import { registerApi } from './api/index.ts';
import { compose } from './compose.ts';
import { registerDeferred } from './deferred.ts';
import { registerHousekeeping } from './housekeeping.ts';
import { policies } from './policies/index.ts';
import { readSettings } from './settings.ts';
import { registerSweep } from './sweep.ts';
import { registerTwinEvents } from './twin-events.ts';

const twinkeeper = compose(readSettings(process.env), policies);

registerTwinEvents(twinkeeper);
registerDeferred(twinkeeper);
registerSweep(twinkeeper);
registerHousekeeping(twinkeeper);
registerHealth(twinkeeper);
registerApi(twinkeeper);
registerDashboard();
