/** The entry of the app with the policies of the tests. It differs from `functions/main.ts` only in its list of policies. */
import { join } from 'node:path';
import { compose } from '../../functions/compose.ts';
import { registerFunctions } from '../../functions/register-functions.ts';
import { readSettings } from '../../functions/settings.ts';
import { policies } from './fixture-policies.ts';

registerFunctions(
  compose(readSettings(process.env), policies),
  join(import.meta.dirname, '../../dist/function-app/dashboard'),
);
