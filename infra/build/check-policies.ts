import { explainError } from '../cli/explain-error.ts';
import { loadPolicyList } from '../cli/load-policies.ts';

/**
 * Checks the list of policies in a file, as the app does when it starts. When a policy is wrong, writes everything that is wrong to standard
 * error, and ends the process with exit code 1. A wrong policy is then found before it is deployed.
 */
export async function checkPolicies(file: string): Promise<void> {
  try {
    await loadPolicyList(file);
  } catch (error) {
    process.stderr.write(`${explainError(error)}\nNothing was built.\n`);
    process.exit(1);
  }
}
