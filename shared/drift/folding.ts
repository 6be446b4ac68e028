import type { Write } from '../twin/index.ts';
import { enforcementTimes, isSameProperty, lastContestedTime, standDownTime } from './contested-property.ts';
import type { Departure, DriftRow } from './departure.ts';
import { rowKeyPrefixAt } from './keys.ts';

/*
 * Somebody who keeps changing a property can cause any number of departures. While the property is contested or flaps, further wrong writes
 * are therefore folded: they change the newest row of the property, and add no row. The row counts them in `times`, and holds the last of
 * them in `lastWrite` and `lastActual`.
 *
 * A decision here depends only on the departure and on older rows. The same write therefore leads to the same row after a crash and after
 * a redelivery.
 */

/**
 * Number of rows of one property within {@link flapWindow} after which further wrong writes are folded, also when Twinkeeper repairs
 * nothing. Example: a policy in audit mode, or repairs that a guard holds back.
 */
const rowsBeforeFlapping = 60;
/**
 * Number of rows of one device within {@link flapWindow} after which further wrong writes are folded, whatever their property. A pass reads
 * only the newest 1,000 rows of a device in order. Where many properties flap, these are too few rows to count each property.
 */
const deviceRowsBeforeFlapping = 600;
/** Length of the time in which rows are counted, in milliseconds. */
const flapWindow = 60 * 60_000;
/**
 * Rows that were written less than this number of milliseconds before a write are not counted. The writes of one burst arrive in one batch
 * of events, and each of them then gets a row of its own.
 */
const burstTime = 60_000;
/**
 * Maximum age of a row into which a write is folded, in milliseconds. A pass reads the rows of 130 minutes before a write, so it finds the row
 * again when the event of the write is delivered again.
 */
const maxRowAge = 120 * 60_000;

/** The last wrong write that a row records. */
export function lastWriteOf(row: DriftRow): Write {
  return row.lastWrite ?? row.write;
}

/** Whether write `a` came after write `b`. The version decides between two writes at the same time. */
export function isLaterWrite(a: Write, b: Write): boolean {
  // The time decides first. The version alone is not enough, because the versions of a deleted and recreated module start at 1 again. A
  // later time has a smaller row key.
  const [keyOfA, keyOfB] = [rowKeyPrefixAt(a.at), rowKeyPrefixAt(b.at)];
  return keyOfA === keyOfB ? a.version > b.version : keyOfA < keyOfB;
}

/** Maximum number of versions that a row keeps of the writes that are folded into it. */
const maxFoldedVersions = 100;

/**
 * Returns the row after one more write is folded into the row. The write can be older than the last folded one, because events can come out
 * of order.
 */
export function withFolded({ foldedVersions, ...row }: DriftRow, { write, actual }: Departure): DriftRow {
  const versions = row.lastWrite === undefined ? [] : foldedVersions;
  return {
    ...row,
    times: (row.times ?? 1) + 1,
    ...(isLaterWrite(write, lastWriteOf(row)) ? { lastWrite: write, lastActual: actual } : {}),
    ...(versions === undefined || !write.exact ? {} : { foldedVersions: withVersion(versions, write.version) }),
  };
}

function withVersion(versions: readonly number[], version: number): readonly number[] {
  return [...versions, version].sort((a, b) => a - b).slice(-maxFoldedVersions);
}

/**
 * Whether a row has not counted this write yet, although the row holds a later write. Another event, or a read of the twin, showed the later
 * write first. False when the row does not know all versions that it has counted.
 */
export function isUncounted(row: DriftRow, { write }: Departure): boolean {
  const { foldedVersions = [], lastWrite } = row;
  const [lowest] = foldedVersions;
  if (lowest === undefined || !write.exact || lastWrite?.exact !== true || foldedVersions.includes(write.version))
    return false;
  return foldedVersions.length < maxFoldedVersions || write.version > lowest;
}

/** The row that covers the time of this departure: the row holds an earlier and a later write of the property. `undefined` when there is none. */
export function rowWithFolded(departure: Departure, rows: readonly DriftRow[]): DriftRow | undefined {
  return rows.find(
    (row) =>
      row.lastWrite !== undefined &&
      row.kind === departure.kind &&
      isSameProperty(row, departure) &&
      isLaterWrite(departure.write, row.write) &&
      !isLaterWrite(departure.write, row.lastWrite),
  );
}

/**
 * The row into which a new departure is to be folded: the newest row of the same property and kind, when the property is contested or
 * flaps. `undefined` when the departure needs a row of its own. A row whose drift Twinkeeper has repaired is never changed.
 */
export function rowToFoldInto(departure: Departure, rows: readonly DriftRow[]): DriftRow | undefined {
  const ofProperty = rows.filter((row) => isSameProperty(row, departure));
  const newest = ofProperty
    .filter(({ kind }) => kind === departure.kind)
    .reduce<DriftRow | undefined>(
      (last, row) => (last === undefined || isLaterWrite(lastWriteOf(row), lastWriteOf(last)) ? row : last),
      undefined,
    );
  if (newest === undefined || ['enforced', 'created', 'gone'].includes(newest.outcome)) return undefined;
  if (!isLaterWrite(departure.write, lastWriteOf(newest)) || ageAt(departure, newest) > maxRowAge) return undefined;
  const isFlapping =
    countOfHour(departure, ofProperty) >= rowsBeforeFlapping ||
    countOfHour(departure, rows) >= deviceRowsBeforeFlapping;
  return isFlapping || isAfterContest(newest, departure, ofProperty) ? newest : undefined;
}

/** Whether the property is contested at the time of the departure, and all enforcements are older than the row. */
function isAfterContest(row: DriftRow, departure: Departure, ofProperty: readonly DriftRow[]): boolean {
  const contestedAt = lastContestedTime(enforcementTimes(departure, ofProperty));
  if (contestedAt === undefined || Date.parse(departure.write.at) >= contestedAt + standDownTime) return false;
  return ofProperty.every(({ outcome, write }) => outcome !== 'enforced' || isLaterWrite(row.write, write));
}

/** Milliseconds between the write of a row and the write of a departure. Negative when the row has the later write. */
function ageAt({ write }: Departure, row: DriftRow): number {
  return Date.parse(write.at) - Date.parse(row.write.at);
}

/** Number of rows with writes in the hour before the departure, without the rows of the last minute. */
function countOfHour(departure: Departure, rows: readonly DriftRow[]): number {
  return rows.filter((row) => {
    const age = ageAt(departure, row);
    return age >= burstTime && age <= flapWindow;
  }).length;
}
