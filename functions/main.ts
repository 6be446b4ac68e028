/**
 * The entry of the function app: reads the settings, checks the policies, registers the triggers. When a setting or a policy is wrong it
 * throws, and the app does not start.
 */

import { join } from 'node:path';
import { registerApi } from './api/index.ts';
import { registerDashboard } from './dashboard/index.ts';
import { registerDeferred } from './deferred.ts';
import { registerHealth } from './health.ts';
import { registerHousekeeping } from './housekeeping.ts';
import { policies } from './policies/index.ts';
import { readSettings } from './settings.ts';
import { startTwinkeeper } from './start.ts';
import { registerSweep } from './sweep.ts';
import { registerTwinEvents } from './twin-events.ts';

const twinkeeper = startTwinkeeper(readSettings(process.env), policies);

registerTwinEvents(twinkeeper);
registerDeferred(twinkeeper);
registerSweep(twinkeeper);
registerHousekeeping(twinkeeper);
registerHealth(twinkeeper);
registerApi(twinkeeper);
// The build puts the page beside this file.
registerDashboard(join(import.meta.dirname, 'dashboard'));
