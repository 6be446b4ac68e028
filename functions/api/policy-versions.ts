import { differences } from '../../shared/evidence/index.ts';
import type { App } from '../compose.ts';
import type { PolicyVersionsAnswer } from './answers.ts';
import { endpoint } from './http/endpoint.ts';
import { ApiProblem, badParameter } from './http/problem.ts';
import * as parameter from './parameter-schemas.ts';

/** Creates the endpoint `GET /api/policies/{policy}/versions`. */
export function policyVersionEndpoints({ policyVersions }: Pick<App, 'policyVersions'>) {
  return {
    'policy-versions': endpoint('policy-versions', {
      summary:
        'The versions of a policy that the app has run with, newest first, also of a policy that was taken out. With `before` and `after` also the ' +
        'values that differ between two versions.',
      path: { policy: parameter.policy },
      query: {
        before: parameter.policyVersion('The version to compare from. Needs `after`.'),
        after: parameter.policyVersion('The version to compare to. Needs `before`.'),
      },
      answers: { 200: { schema: 'PolicyVersions' } },
      async handle({ path: { policy }, query: { before, after } }) {
        if ((before === undefined) !== (after === undefined)) {
          throw badParameter(
            before === undefined ? 'after' : 'before',
            'needs both versions: give `before` and `after`',
          );
        }
        const [versions, inForce] = await Promise.all([policyVersions.list(policy), policyVersions.periods(policy)]);
        if (versions.length === 0) {
          throw new ApiProblem(
            'notFound',
            `The app has not run with a policy ${policy}. GET /api/policies lists them.`,
          );
        }
        const definitionOf = (name: 'before' | 'after', wanted: string) => {
          const found = versions.find(({ version }) => version === wanted);
          if (found === undefined) throw badParameter(name, `must be a version of ${policy}, and ${wanted} is none`);
          return found.definition;
        };
        const compared =
          before === undefined || after === undefined
            ? {}
            : { differences: differences(definitionOf('before', before), definitionOf('after', after)) };
        return { jsonBody: { policy, versions, inForce, ...compared } satisfies PolicyVersionsAnswer };
      },
    }),
  };
}
