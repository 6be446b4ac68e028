/**
 * The chart of detected drifts over time, split by policy, kind or outcome. When the user drags over bars, the page shows their time range.
 */
import type { Outcome, SummaryAnswer, SummaryBucket } from '../../../api/history-answers.ts';
import { colourNames, createBarFigure } from '../charts/index.ts';
import { count, counted, fill, find, iso, moment, ownValue, printable, words } from '../markup/index.ts';
import { go, type View } from '../view/index.ts';
import { countedTime, isCounted } from './counted-time.ts';

const partOfSplit = { policy: 'byPolicy', kind: 'byKind', outcome: 'byOutcome' } as const;

const outcomeOrder: readonly Outcome[] = [
  'enforced',
  'created',
  'audited',
  'heldBack',
  'failed',
  'deferred',
  'pending',
  'healed',
  'superseded',
  'gone',
  'retired',
];

/** The outcomes that are not the work of Twinkeeper. The chart shows them in grey. */
const notOurs: ReadonlySet<string> = new Set(['healed', 'superseded', 'gone', 'retired', 'exempted']);

/** The series of the first creation of modules on new devices, and of their first baselines. No policy can have this name. */
const onboardingName = 'onboarding of new devices';

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
      const part = partOfSplit[by];
      // Onboarding is a series of its own, whatever the split.
      const countOf = (bucket: SummaryBucket, name: string) =>
        (ownValue(bucket[part], name) ?? 0) - (ownValue(bucket.onboarding?.[part] ?? {}, name) ?? 0);
      const sumOf = (name: string) => summary.buckets.reduce((sum, bucket) => sum + countOf(bucket, name), 0);
      const label = (name: string) => (by === 'policy' ? name : words(name));
      const departures = namesOf(summary, by).filter((name) => sumOf(name) > 0);
      const onboarding = summary.buckets.reduce((sum, bucket) => sum + (bucket.onboarding?.total ?? 0), 0);
      const names = [...departures.map(label), ...(onboarding > 0 ? [onboardingName] : [])];
      const buckets = summary.buckets.map((bucket) => ({
        from: bucket.from,
        counts: Object.fromEntries([
          ...departures.map((name) => [label(name), countOf(bucket, name)] as const),
          ...(onboarding > 0 ? [[onboardingName, bucket.onboarding?.total ?? 0] as const] : []),
        ]),
      }));
      const colours = colourNames(departures, (name) => by === 'outcome' && notOurs.has(name));
      const sums = [
        ...departures.map((name) => `${printable(label(name), 60)} ${count(sumOf(name))}`),
        ...(onboarding > 0 ? [`${onboardingName} ${count(onboarding)}`] : []),
      ];
      const { incompleteBefore, total } = summary;
      const missing =
        incompleteBefore === undefined ? '' : `, complete only from ${moment(Date.parse(incompleteBefore))}`;
      const text = `counted by the hour: ${countedTime(summary)}${missing}${isFiltered ? ', with these filters' : ''}`;
      fill(find('departures-counted'), isCounted(summary) ? text : '');
      const none = isFiltered
        ? 'No drift matches these filters in this time range.'
        : 'There is no drift in this time range.';
      figure.show({
        from: Date.parse(summary.from),
        to: Date.parse(summary.to),
        bucketHours,
        buckets,
        names,
        colours: [...colours, 'onboarding'],
        summary: `${counted(total, 'row')}${missing}; ${sums.join(', ')}`,
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
