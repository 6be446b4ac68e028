/**
 * The policies that this app carries out. Put your own beside the built-in ones, `my-policy.ts` or `my-policy.json`, and name it
 * here; take out what you do not want. All are validated when the app loads.
 *
 * @module
 */
import type { PolicyDefinition } from '../../shared/policy/index.ts';
import azureiotsecurity from './azureiotsecurity.ts';
import defenderMicroAgent from './defender-micro-agent.ts';

export const policies: readonly PolicyDefinition[] = [azureiotsecurity, defenderMicroAgent];
