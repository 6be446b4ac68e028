/**
 * The chart of detected drifts over time, split by policy, kind or outcome. When the user drags over bars, the page shows their time range.
 */
import type { Outcome, SummaryAnswer, SummaryBucket } from '../../../api/history-answers.ts';
import { createBarFigure } from '../charts/index.ts';
import { count, counted, fill, find, hour, iso, ownValue, printable, words } from '../markup/index.ts';
import { go, type View } from '../view/index.ts';
import { countedTime, isCounted } from './counted-time.ts';

const partOfSplit = { policy: 'byPolicy', kind: 'byKind', outcome: 'byOutcome' } as const;

const outcomeOrder: readonly Outcome[] = [
  'enforced',
  'created',
  'healed',
  'audited',
  'heldBack',
  'failed',
  'deferred',
  'pending',
  'superseded',
  'gone',
  'retired',
];

interface DepartureChart {
  show(summary: SummaryAnswer, view: View, bucketHours: number): void;
}

export function createDepartureChart(): DepartureChart {
  const figure = createBarFigure(find('departures'), {
    label: 'Drift over time',
    onSelect: (from, to) => go({ from: iso(from), to: iso(to), range: undefined }),
  });
  return {
    show(summary, { by, filters }, bucketHours) {
      const chosen = filters[by];
      const countOf = (bucket: SummaryBucket, name: string) => ownValue(bucket[partOfSplit[by]], name) ?? 0;
      const sumOf = (name: string) => summary.buckets.reduce((sum, bucket) => sum + countOf(bucket, name), 0);
      const label = (name: string) => (by === 'policy' ? name : words(name));
      const names = namesOf(summary, by).filter((name) => chosen === undefined || name === chosen);
      const buckets = summary.buckets.map((bucket) => ({
        from: bucket.from,
        counts: Object.fromEntries(names.map((name) => [label(name), countOf(bucket, name)])),
      }));
      const sums = names.map((name) => `${printable(label(name), 60)} ${count(sumOf(name))}`);
      const total = chosen === undefined ? summary.total : names.reduce((sum, name) => sum + sumOf(name), 0);
      const only = chosen === undefined ? '' : `, only ${printable(label(chosen), 60)}`;
      fill(find('departures-whole'), `whole fleet${only}`);
      fill(find('departures-counted'), isCounted(summary) ? `counted by the hour: ${countedTime(summary)}` : '');
      const none = `There is no drift${chosen === undefined ? '' : ` with this ${by}`} in this time range.`;
      figure.show({
        from: Date.parse(summary.from),
        to: Date.parse(summary.to),
        bucketMs: bucketHours * hour,
        buckets,
        names: names.map(label),
        summary: `${counted(total, 'row')}${only}; ${sums.join(', ')}`,
        empty: isCounted(summary) ? none : 'This time range is not counted yet.',
      });
    },
  };
}

/** The names of the series that the summary has counts for, in the order of their colours. */
function namesOf({ buckets }: SummaryAnswer, by: View['by']): readonly string[] {
  const names = new Set(buckets.flatMap((bucket) => Object.keys(bucket[partOfSplit[by]])));
  return by === 'outcome' ? outcomeOrder.filter((name) => names.has(name)) : [...names].toSorted();
}
