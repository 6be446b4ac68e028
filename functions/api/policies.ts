import { repairValue } from '../../shared/policy/index.ts';
import type { App } from '../compose.ts';
import type { PoliciesAnswer, PolicyAnswer } from './answers.ts';
import { describeRule } from './describe-rule.ts';
import { fleetAnswer } from './fleet-answer.ts';
import { endpoint } from './http/endpoint.ts';
import { shareRunning } from './http/share-running.ts';
import { openTotals } from './open-totals.ts';

/** Creates the endpoint `GET /api/policies`. */
export function policyEndpoints({ policies, guardStore, rollups }: App) {
  // Requests at the same time share one read.
  const openCounts = shareRunning(() => rollups.openCounts());
  return {
    policies: endpoint('policies', {
      summary: 'The policies, how many devices comply with each now, and how many comply with all.',
      answers: { 200: { schema: 'Policies' } },
      async handle() {
        const [open, fleet, deviceCounts] = await Promise.all([
          openCounts(''),
          guardStore.fleetCount(),
          Promise.all(policies.all.map(({ name }) => guardStore.deviceCount(name))),
        ]);
        const answers = policies.all.map((policy, index): PolicyAnswer => {
          const { name, module, mode, createModule, scope, owned, evaluate } = policy;
          const openDevices = open.devices.get(name) ?? 0;
          const inScope = deviceCounts[index];
          return {
            name,
            module,
            mode,
            createModule,
            ...(scope.definition === undefined ? {} : { appliesTo: scope.definition }),
            properties: owned.map(({ text, rule }) => {
              const expected = repairValue(rule);
              return { path: text, rule: describeRule(rule), ...(expected === undefined ? {} : { expected }) };
            }),
            evaluates: evaluate !== undefined,
            ...(inScope === undefined ? {} : { devices: inScope, compliant: Math.max(0, inScope - openDevices) }),
            openDevices,
          };
        });
        const answer: PoliciesAnswer = {
          policies: answers,
          fleet: fleetAnswer(fleet, open),
          open: openTotals(open),
          openCountedAt: open.countedAt,
        };
        return { jsonBody: answer };
      },
    }),
  };
}
