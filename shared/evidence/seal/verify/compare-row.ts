import type { DriftRow, Transition } from '../../../drift/index.ts';
import { canonicalJson } from '../canonical-json.ts';
import { isIn, type Period } from '../day.ts';
import { contentOf, identityOf, type RowIdentity, type RowLine, type TransitionLine } from '../lines.ts';
import type { CoveredTime } from './covered.ts';
import { contradictsCourse, hasRepeat, isSettled } from './expected-rows.ts';

/** What the seals say about one row. */
export interface SealedRow {
  readonly identity: RowIdentity;
  /** The line of the last day on which something happened to the row. */
  line: RowLine;
  /** The end of that day, ISO 8601. */
  lineTo: string;
  readonly transitions: { readonly line: TransitionLine; readonly day: Period }[];
}

/** Number of transitions that a row keeps. A longer course says how many it has left out. */
const mostTransitions = 40;

/** Fields of a closed row that change when a late event is counted in the row. */
const countedFields: ReadonlySet<string> = new Set([
  'v',
  'times',
  'lastWrite',
  'lastActual',
  'foldedVersions',
  'policyVersion',
  'appVersion',
]);

/** Says in which ways a stored row is not as the seals say, one sentence each. Empty when it is. Pure. */
export function differencesOf(sealed: SealedRow, stored: DriftRow, covered: CoveredTime): readonly string[] {
  return [
    ...fieldDifferences(identityOf(sealed.identity), identityOf(stored)),
    ...courseDifferences(sealed, stored, covered),
    ...contentDifferences(sealed, stored),
  ];
}

function courseDifferences({ transitions }: SealedRow, stored: DriftRow, covered: CoveredTime): readonly string[] {
  const course = stored.transitions ?? [];
  const happened = transitions
    .filter(({ line, day }) => line.outcome !== 'pending' && isIn(day, line.at))
    .map(({ line }) => line);
  const find = (all: readonly Transition[], { at, outcome }: Transition) =>
    all.find((each) => each.at === at && each.outcome === outcome);
  const isShortened = course.length >= mostTransitions;
  const omitted = course.reduce((sum, each) => sum + (each.omitted ?? 0), 0);
  const missing = happened.filter((line) => find(course, line) === undefined);
  const mayBeOmitted = isShortened && missing.length <= omitted;
  return [
    ...(mayBeOmitted ? [] : missing.map(({ outcome, at }) => `The transition to ${outcome} at ${at} is missing.`)),
    ...happened.flatMap((line) => {
      const found = find(course, line);
      if (found === undefined) return [];
      return (['reason', 'by'] as const)
        .filter((field) => found[field] !== line[field])
        .map(
          (field) =>
            `The transition to ${line.outcome} at ${line.at} had the ${field} ${line[field]}, and has ${found[field]}.`,
        );
    }),
    ...course
      .filter((each) => each.outcome !== 'pending' && covered.has(each.at) && find(happened, each) === undefined)
      .map(({ outcome, at }) => `The transition to ${outcome} at ${at} is in no seal.`),
    ...transitions.flatMap(({ line: { at, outcome, times, lastAt } }) =>
      times === undefined ||
      lastAt === undefined ||
      mayBeOmitted ||
      find(course, { at, outcome }) === undefined ||
      hasRepeat(stored, { at, outcome, times, lastAt })
        ? []
        : [`The transition to ${outcome} at ${at} happened ${times} times until ${lastAt}, and the row says less.`],
    ),
    ...(contradictsCourse(stored) ? [`The outcome ${stored.outcome} is not that of the last transition.`] : []),
  ];
}

/** A row whose drift was over does not change. Where a late event was counted in the row since, the fields that this changes may differ. */
function contentDifferences({ line, lineTo }: SealedRow, stored: DriftRow): readonly string[] {
  if (!line.over || !isSettled(stored, lineTo)) return [];
  const { seal: _, over: __, ...sealed } = line;
  const isCounted = (stored.times ?? 1) > (line.times ?? 1);
  return fieldDifferences(sealed, contentOf(stored, true), (field) => !isCounted || !countedFields.has(field));
}

function fieldDifferences(
  sealed: object,
  stored: object,
  counts: (field: string) => boolean = () => true,
): readonly string[] {
  const [before, now] = [new Map(Object.entries(sealed)), new Map(Object.entries(stored))];
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((field) => counts(field) && canonicalJson(before.get(field)) !== canonicalJson(now.get(field)))
    .map((field) => `${field} was ${shown(before.get(field))}, and is ${shown(now.get(field))}.`);
}

function shown(value: unknown): string {
  const text = value === undefined ? 'absent' : canonicalJson(value);
  return text.length > 200 ? `${text.slice(0, 199)}…` : text;
}
