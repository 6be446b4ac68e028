import type { FailedStartAnswer } from '../../functions/api/answers.ts';
import type { FunctionHostEndpoints } from './host/index.ts';

/**
 * Checks that the app has started with all its functions. An app with a wrong setting or policy has only the function `health`, which says
 * what is wrong. An app that throws while it loads has no functions at all.
 *
 * @param lastProblem The last problem that the function host logged. The error shows this text when the app has no functions.
 * @throws An Error whose message is one line and names everything that is wrong.
 */
export async function checkAppStarted(
  { functionsUrl, functions }: FunctionHostEndpoints,
  lastProblem: string,
): Promise<void> {
  if (functions.some(({ name }) => name !== 'health')) return;
  if (functions.length === 0) throw new Error(`The app has no functions. ${lastProblem}`);
  const answer = await fetch(`${functionsUrl}/api/health`);
  const { faults = [] } = (await answer.json()) as Partial<FailedStartAnswer>;
  throw new Error(`The app has not started. ${faults.join(' ')}`);
}
