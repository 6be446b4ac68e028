/** The chart of compliance over time, with one line for each policy, or only for the policy of the filter. */
import type { PolicyAnswer, SummaryAnswer } from '../../../api/history-answers.ts';
import { createShareFigure } from '../charts/index.ts';
import { find, printable } from '../markup/index.ts';
import type { View } from '../view/index.ts';

interface ComplianceChart {
  show(summary: SummaryAnswer, policies: readonly PolicyAnswer[], view: View): void;
}

export function createComplianceChart(): ComplianceChart {
  const figure = createShareFigure(find('compliance'), 'Compliant devices over time');
  return {
    show(summary, policies, { time, filters }) {
      // When the shown time ends now, the current compliance of each policy is added as the last point.
      const shown = policies.filter(({ name }) => (filters.policy ?? name) === name);
      const now = shown.map(({ name, devices = 0, compliant = 0 }) => ({
        at: summary.to,
        policy: name,
        devices,
        compliant,
      }));
      const points = [...summary.compliance, ...(time.range === 'custom' ? [] : now)]
        .filter(({ devices }) => devices > 0)
        .map(({ at, policy, devices, compliant }) => ({
          at: Date.parse(at),
          name: policy,
          share: (100 * compliant) / devices,
        }));
      const last = new Map(points.map(({ name, share }) => [name, share]));
      const names = [...last.keys()].toSorted();
      const shares = names.map((name) => `${printable(name, 60)} ${last.get(name)?.toFixed(1)} %`);
      figure.show({
        from: Date.parse(summary.from),
        to: Date.parse(summary.to),
        points,
        names,
        summary: `last ${shares.join(', ')}`,
        empty: 'There are no counts in this time range.',
      });
    },
  };
}
