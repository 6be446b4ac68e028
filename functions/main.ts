/**
 * The entry file of the function app. It reads the settings, checks the policies and registers the functions. When a setting or a policy is
 * wrong, this file throws, and the app does not start.
 */

// The order of these imports matters. Node reads source maps only for files that load after `source-maps.ts`. `@azure/functions` loads
// before it, because the source maps of the libraries would add 5 ms to each start. With source maps, stack traces name the TypeScript
// files.
import '@azure/functions';
import './source-maps.ts';

import { join } from 'node:path';
import { compose } from './compose.ts';
import { policies } from './policies/index.ts';
import { registerFunctions } from './register-functions.ts';
import { readSettings } from './settings.ts';

// The build puts the files of the dashboard's page into the folder `dashboard` beside this file.
registerFunctions(compose(readSettings(process.env), policies), join(import.meta.dirname, 'dashboard'));
