import type { DriftRow, Transition } from '../../../drift/index.ts';
import { isQuietFrom } from '../course.ts';
import { isIn, type Period } from '../day.ts';
import { contentOf, identityOf, type RowIdentity, type RowLine, type TransitionLine } from '../lines.ts';
import type { CoveredTime } from './covered.ts';
import { addDigests, digestOf } from './digest.ts';

/** A transition that happened several times. */
type Repeat = Required<Pick<Transition, 'times' | 'lastAt'>> & Pick<Transition, 'at' | 'outcome'>;

/** What the seals say of a row, in few bytes: a history of years must fit into memory. */
interface ExpectedRow {
  identity: number;
  /** The digest of the sum of the transitions. A try to repair the drift is not counted: a later outcome can count it. */
  course: number;
  /** The digest of the whole row, when its drift was over at `overAt`. */
  whole?: number;
  overAt?: string;
  /** When the row was detected, milliseconds since 1970. */
  readonly detectedAt: number;
  repeats?: Repeat[];
  inJournal: boolean;
  inTimeline: boolean;
}

/** The table that a row was read from. */
export type RowTable = 'journal' | 'timeline';

/** The lines of a day about one row, in few bytes. */
export interface DayOfRow {
  readonly id: number;
  readonly detectedAt: number;
  readonly identity: number;
  course: number;
  readonly whole: number | undefined;
  readonly overAt: string;
  readonly repeats: Repeat[];
}

/** A number that stands for a row. */
export function idOf({ deviceId, rowKey }: Pick<DriftRow, 'deviceId' | 'rowKey'>): number {
  return digestOf([deviceId, rowKey]);
}

/** The lines of rows and transitions of a day, in few bytes. */
export class DayOfRows {
  readonly rows = new Map<number, DayOfRow>();
  readonly #period: Period;

  constructor(period: Period) {
    this.#period = period;
  }

  addRow({ seal: _, over, ...row }: RowLine): void {
    const id = idOf(row);
    this.rows.set(id, {
      ...{ id, detectedAt: Date.parse(row.detectedAt), identity: digestOf(identityOf(row)) },
      ...{ course: 0, whole: over ? digestOf(row) : undefined, overAt: this.#period.to, repeats: [] },
    });
  }

  addTransition(line: TransitionLine): void {
    const row = this.rows.get(idOf(line));
    if (row === undefined) return;
    const { at, outcome, times, lastAt } = line;
    if (isIn(this.#period, at)) row.course = addDigests(row.course, transitionDigest(line));
    if (times !== undefined && lastAt !== undefined) row.repeats.push({ at, outcome, times, lastAt });
  }
}

/** What the seals say of all rows, to be compared with the tables. */
export class ExpectedRows {
  readonly #rows = new Map<number, ExpectedRow>();
  readonly #covered: CoveredTime;

  constructor(covered: CoveredTime) {
    this.#covered = covered;
  }

  get size(): number {
    return this.#rows.size;
  }

  /** Adds the lines of a day. Days must be added in order. */
  add(day: DayOfRows): void {
    for (const { id, detectedAt, identity, course, whole, overAt, repeats } of day.rows.values()) {
      const before = this.#rows.get(id);
      const row: ExpectedRow = before ?? { identity, course: 0, detectedAt, inJournal: false, inTimeline: false };
      row.course = addDigests(row.course, course);
      if (whole === undefined) delete row.whole;
      else row.whole = whole;
      row.overAt = overAt;
      if (repeats.length > 0) row.repeats = [...(row.repeats ?? []), ...repeats];
      this.#rows.set(id, row);
    }
  }

  /** Compares a row of a table with the seals. Returns `false` when the two may differ. */
  compare(row: DriftRow, table: RowTable): boolean {
    const transitions = (row.transitions ?? []).filter(
      ({ at, outcome }) => outcome !== 'pending' && this.#covered.has(at),
    );
    const expected = this.#rows.get(idOf(row));
    if (expected === undefined) return transitions.length === 0;
    if (table === 'journal') expected.inJournal = true;
    else expected.inTimeline = true;
    const course = transitions.reduce(
      (sum, transition) => addDigests(sum, transitionDigest({ ...transition, ...key(row) })),
      0,
    );
    const isFrozen = expected.whole !== undefined && isSettled(row, expected.overAt ?? '');
    return (
      expected.identity === digestOf(identityOf(row)) &&
      expected.course === course &&
      (!isFrozen || expected.whole === digestOf(contentOf(row, true))) &&
      (expected.repeats ?? []).every((repeat) => hasRepeat(row, repeat)) &&
      !contradictsCourse(row)
    );
  }

  /**
   * The rows that were not compared with a row of both tables, and that retention has not taken: those that were detected at `retained` or
   * later.
   */
  *unseen(retained: number): Generator<number> {
    for (const [id, { inJournal, inTimeline, detectedAt }] of this.#rows) {
      if (!(inJournal && inTimeline) && detectedAt >= retained) yield id;
    }
  }
}

/** Whether nothing happened to a row since a time. A `pending` row is being written. */
export function isSettled(row: DriftRow, since: string): boolean {
  return row.outcome !== 'pending' && isQuietFrom(row, since);
}

function key({ deviceId, rowKey }: Pick<RowIdentity, 'deviceId' | 'rowKey'>) {
  return { deviceId, rowKey };
}

function transitionDigest({
  deviceId,
  rowKey,
  at,
  outcome,
  reason,
  by,
}: Transition & Pick<RowIdentity, 'deviceId' | 'rowKey'>): number {
  return outcome === 'pending' ? 0 : digestOf([deviceId, rowKey, at, outcome, reason ?? null, by ?? null]);
}

/** Whether a row says that a transition happened as often and as late as it was sealed, or more so. */
export function hasRepeat({ transitions = [] }: DriftRow, { at, outcome, times, lastAt }: Repeat): boolean {
  const stored = transitions.find((each) => each.at === at && each.outcome === outcome);
  return stored !== undefined && (stored.times ?? 1) >= times && (stored.lastAt ?? '') >= lastAt;
}

/** Whether the outcome of a row is another one than that of its last transition. A `pending` row is being written. */
export function contradictsCourse({ outcome, closedAt, transitions = [] }: DriftRow): boolean {
  const last = transitions.at(-1);
  if (outcome === 'pending') return false;
  if (last === undefined) return true;
  return last.outcome === 'ended'
    ? outcome !== 'audited' || closedAt !== last.at
    : outcome !== last.outcome || closedAt !== undefined;
}
