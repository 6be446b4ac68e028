import type { FailedStartAnswer } from '../../functions/api/answers.ts';
import type { FunctionHostEndpoints } from './host/index.ts';

/**
 * Checks that the app has started with all its functions. An app with a wrong setting or policy has only the function `health`, which says
 * what is wrong.
 *
 * @throws An Error whose message is one line and names everything that is wrong.
 */
export async function checkAppStarted({ functionsUrl, functions }: FunctionHostEndpoints): Promise<void> {
  if (functions.some(({ name }) => name !== 'health')) return;
  const answer = await fetch(`${functionsUrl}/api/health`);
  const { faults = [] } = (await answer.json()) as Partial<FailedStartAnswer>;
  throw new Error(`The app has not started. ${faults.join(' ')}`);
}
