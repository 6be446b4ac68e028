/** The entry file of the function app. It starts the app with the deployed policies. */

// The order of these imports matters. Node reads source maps only for files that load after `source-maps.ts`, and reading a map slows down
// the start. So the libraries load first: their stack traces name functions, but not source files.
import '@azure/functions';
import './source-maps.ts';

import { join } from 'node:path';
import { start } from './start.ts';

// `require` runs the files of the policies inside `start`, which catches their errors. An app that throws while it loads has no functions.
const loadPolicies = () => (require('./policies/index.ts') as typeof import('./policies/index.ts')).policies;

// The build puts the files of the dashboard's page into the folder `dashboard` beside this file.
start(loadPolicies, join(import.meta.dirname, 'dashboard'));
