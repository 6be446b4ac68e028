/**
 * The entry of the function app. It reads the settings, checks the policies and registers the functions. A wrong setting or a wrong policy
 * throws, and the app does not start.
 */

import { compose } from './compose.ts';
import { policies } from './policies/index.ts';
import { registerFunctions } from './register-functions.ts';
import { readSettings } from './settings.ts';

registerFunctions(compose(readSettings(process.env), policies));
