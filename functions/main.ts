/**
 * The entry of the function app. It reads the settings, checks the policies and registers the functions. A wrong setting or a wrong policy
 * throws, and the app does not start.
 */

// Stack traces name the TypeScript files. Node reads the source maps of the files that load after this call. The libraries load before it:
// their maps would add 5 ms to each start.
import '@azure/functions';
import './source-maps.ts';

import { join } from 'node:path';
import { compose } from './compose.ts';
import { policies } from './policies/index.ts';
import { registerFunctions } from './register-functions.ts';
import { readSettings } from './settings.ts';

// The build puts the dashboard's page beside this file.
registerFunctions(compose(readSettings(process.env), policies), join(import.meta.dirname, 'dashboard'));
