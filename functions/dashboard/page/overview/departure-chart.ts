/**
 * The chart of detected drifts over time, split by policy, kind or outcome. When the user drags over bars, the page shows their time range.
 */
import type { Outcome, SummaryAnswer, SummaryBucket } from '../../../api/history-answers.ts';
import { createBarFigure } from '../charts/index.ts';
import { count, counted, fill, find, hour, iso, moment, ownValue, printable, words } from '../markup/index.ts';
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
      const isFiltered = Object.keys(filters).length > 0;
      const countOf = (bucket: SummaryBucket, name: string) => ownValue(bucket[partOfSplit[by]], name) ?? 0;
      const sumOf = (name: string) => summary.buckets.reduce((sum, bucket) => sum + countOf(bucket, name), 0);
      const label = (name: string) => (by === 'policy' ? name : words(name));
      const names = namesOf(summary, by);
      const buckets = summary.buckets.map((bucket) => ({
        from: bucket.from,
        counts: Object.fromEntries(names.map((name) => [label(name), countOf(bucket, name)])),
      }));
      const sums = names.map((name) => `${printable(label(name), 60)} ${count(sumOf(name))}`);
      const { incompleteBefore, total } = summary;
      const part = incompleteBefore === undefined ? '' : `, complete only from ${moment(Date.parse(incompleteBefore))}`;
      const text = `counted by the hour: ${countedTime(summary)}${part}${isFiltered ? ', with these filters' : ''}`;
      fill(find('departures-counted'), isCounted(summary) ? text : '');
      const none = isFiltered
        ? 'No drift matches these filters in this time range.'
        : 'There is no drift in this time range.';
      figure.show({
        from: Date.parse(summary.from),
        to: Date.parse(summary.to),
        bucketMs: bucketHours * hour,
        buckets,
        names: names.map(label),
        summary: `${counted(total, 'row')}${part}; ${sums.join(', ')}`,
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
