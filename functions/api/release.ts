import type { App } from '../compose.ts';
import type { ReleaseAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import { ApiProblem } from './http/problem.ts';
import * as parameter from './parameter-schemas.ts';

/** Creates the endpoint `POST /api/policies/{policy}/release`. */
export function releaseEndpoints({
  policies,
  guardStore,
  loadSweep,
  actions,
  now,
}: Pick<App, 'policies' | 'guardStore' | 'loadSweep' | 'actions' | 'now'>) {
  return {
    'policy-release': endpoint('policy-release', {
      summary:
        'Lets a policy repair the drift that guards hold back: lifts its blast radius for an hour, repairs contested properties again, and starts a sweep.',
      path: { policy: parameter.policy },
      query: { reason: parameter.reason },
      answers: { 200: { schema: 'Released' } },
      async handle({ path: { policy }, query: { reason = '' }, caller }) {
        if (!policies.all.some(({ name }) => name === policy)) {
          throw new ApiProblem('notFound', `There is no policy ${policy}. GET /api/policies lists them.`, {
            parameter: 'policy',
          });
        }
        const until = await actions.record(
          { action: 'release', by: caller, target: { policy }, reason },
          async () => {
            const end = await guardStore.release(policy);
            const { queue } = await loadSweep();
            await queue.put({ type: 'start', at: now().toISOString() });
            return end;
          },
          (end) => `The limit is lifted until ${end.toISOString()}. A sweep was requested.`,
        );
        return { jsonBody: { policy, until: until.toISOString() } satisfies ReleaseAnswer };
      },
    }),
  };
}
