/**
 * The list of policies that the app enforces. To add a policy, put its file (`my-policy.ts` or `my-policy.json`) into this folder and add
 * the policy to the list. To drop a policy, remove it from the list. The app validates all policies when it starts. No test depends on this
 * list.
 *
 * @module
 */
import type { PolicyDefinition } from '../../shared/policy/index.ts';
import azureiotsecurity from './azureiotsecurity.ts';
import defenderMicroAgent from './defender-micro-agent.ts';

export const policies: readonly PolicyDefinition[] = [azureiotsecurity, defenderMicroAgent];
