import azureiotsecurity from '../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../functions/policies/defender-micro-agent.ts';
import type { PolicyDefinition } from '../../shared/policy/index.ts';

/** The two built-in policies. Tests use this list and not the app's list, so a new policy in the app does not break the tests. */
export const builtIn: readonly PolicyDefinition[] = [azureiotsecurity, defenderMicroAgent];
