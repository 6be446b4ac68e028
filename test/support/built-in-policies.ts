import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../functions/policies/defender-micro-agent.ts';
import type { PolicyDefinition } from '../../shared/policy/index.ts';

/** The two built-in policies. Tests use them instead of the app's list, so that a new policy in the app breaks no test. */
export const builtIn: readonly PolicyDefinition[] = [azureiotsecurity, defenderMicroAgent];
