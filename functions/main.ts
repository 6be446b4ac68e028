/**
 * The entry of the function app: reads the settings, checks the policies, registers the triggers. When a setting or a policy is wrong it
 * throws, and the app does not start.
 */

// Stack traces name the TypeScript files. Node reads the source maps of the files that load after this call. The libraries load before it:
// their maps would add 5 ms to each start.
import '@azure/functions';
import './source-maps.ts';

import { join } from 'node:path';
import { registerHealth } from './api/health.ts';
import { registerApi } from './api/index.ts';
import { compose } from './compose.ts';
import { registerDashboard } from './dashboard/index.ts';
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
// The build puts the page beside this file.
registerDashboard(join(import.meta.dirname, 'dashboard'));
