/** Entry point of the app for tests. The app uses the policies of the tests, and is otherwise the same as `functions/main.ts`. */
import { join } from 'node:path';
import { compose } from '../../functions/compose.ts';
import { registerFunctions } from '../../functions/register-functions.ts';
import { readSettings } from '../../functions/settings.ts';
import { policies } from './fixture-policies.ts';

registerFunctions(
  compose(readSettings(process.env), policies),
  join(import.meta.dirname, '../../dist/function-app/dashboard'),
);
