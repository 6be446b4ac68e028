/** Entry point of the app for tests. The app uses the policies of the tests, and is otherwise the same as `functions/main.ts`. */
import { join } from 'node:path';
import { start } from '../../functions/start.ts';
import { policies } from './fixture-policies.ts';

start(policies, join(import.meta.dirname, '../../dist/function-app/dashboard'));
