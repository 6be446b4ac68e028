/**
 * The chart of compliance over time. The first line is the fleet: the devices that keep to all policies that apply to them. Each policy has a line
 * beside it. With a filter by policy, only the line of that policy is shown.
 */
import type { BucketCompliance, FleetAnswer, PolicyAnswer, SummaryAnswer } from '../../../api/history-answers.ts';
import { colourNames, createShareFigure } from '../charts/index.ts';
import { find, hour, printable } from '../markup/index.ts';
import type { View } from '../view/index.ts';

interface ComplianceChart {
  show(summary: SummaryAnswer, now: ComplianceNow, view: View, bucketHours: number): void;
}

interface ComplianceNow {
  readonly policies: readonly PolicyAnswer[];
  readonly fleet: FleetAnswer;
}

/** The name of the line of the fleet. No policy can have this name. */
const fleetName = 'all policies';

export function createComplianceChart(): ComplianceChart {
  const figure = createShareFigure(find('compliance'), 'Compliant devices over time');
  return {
    show(summary, { policies, fleet }, { time, filters }, bucketHours) {
      const isLineShown = (name: string) => (filters.policy ?? name) === name;
      const counts = [
        ...summary.fleet.map((entry) => ({ name: fleetName, ...entry })),
        ...summary.compliance.map((entry) => ({ name: entry.policy, ...entry })),
      ].filter(({ devices }) => devices > 0);
      // When the shown time ends now, the present compliance is the last point.
      const present = new Map(time.range === 'custom' ? [] : presentOf(policies, fleet));
      const names = namesOf([...counts.map(({ name }) => name), ...present.keys()].filter(isLineShown));
      const [from, to] = [Date.parse(summary.from), Date.parse(summary.to)];
      const bucketMs = bucketHours * hour;
      const points = names.flatMap((name) => {
        const steps = counts.filter((entry) => entry.name === name).map((entry) => ({ name, ...stepOf(entry) }));
        const last = steps.at(-1);
        const now = present.get(name);
        const end = last === undefined ? to : Math.min(to, last.at + bucketMs);
        // The last step lasts to the end of its bucket. When that is long ago, the line has a gap up to now.
        const closing = last !== undefined && (now === undefined || end < to) ? [{ ...last, at: end }] : [];
        return [...steps, ...closing, ...(now === undefined ? [] : [{ name, at: to, share: now, least: now }])];
      });
      const shares = names.map((name) => {
        const its = points.filter((point) => point.name === name);
        const lowest = Math.min(...its.map(({ share, least = share }) => least));
        return `${printable(name, 60)} ${its.at(-1)?.share.toFixed(1)} %, lowest ${lowest.toFixed(1)} %`;
      });
      figure.show({
        from,
        to,
        bucketMs,
        points,
        names,
        colours: names[0] === fleetName ? ['fleet', ...colourNames(names.slice(1))] : colourNames(names),
        summary: `last ${shares.join('; ')}`,
        empty: 'Not counted yet in this time range.',
      });
    },
  };
}

/** The names of the lines: the fleet, and then the policies. The line of an only policy is the line of the fleet. */
function namesOf(counted: readonly string[]): readonly string[] {
  const policies = [...new Set(counted)].filter((name) => name !== fleetName).toSorted();
  if (!counted.includes(fleetName)) return policies;
  return [fleetName, ...(policies.length > 1 ? policies : [])];
}

/** The present compliance of the fleet and of each policy in percent, where it is known. */
function presentOf(policies: readonly PolicyAnswer[], fleet: FleetAnswer): readonly (readonly [string, number])[] {
  return [
    ...(fleet.percent === null ? [] : [[fleetName, fleet.percent] as const]),
    ...policies.flatMap(({ name, devices = 0, compliant = 0 }) =>
      devices === 0 ? [] : [[name, (100 * compliant) / devices] as const],
    ),
  ];
}

/** The step of a bucket. An earlier version of the app counted no mean: then the last count of the bucket stands for it. */
function stepOf({ at, devices, compliant, meanPercent, minPercent }: BucketCompliance) {
  return { at: Date.parse(at), share: meanPercent ?? (100 * compliant) / devices, least: minPercent ?? undefined };
}
