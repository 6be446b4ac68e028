import { type Departure, type DriftRow, isLaterWrite, isOpen, lastWriteOf, openKey } from '../drift/index.ts';

/** The newest open row of the same property and kind. `undefined` when there is none. */
export function openRowOf(departure: Departure, rows: readonly DriftRow[]): DriftRow | undefined {
  const key = openKey(departure);
  return rows
    .filter((row) => isOpen(row) && openKey(row) === key)
    .toSorted((a, b) => a.write.version - b.write.version)
    .at(-1);
}

/**
 * Finds the row that an earlier pass added when the pass read the twin, before the event of this departure arrived. The row has the same
 * property, and its write is the same as the write of the departure, or later.
 */
export function rowFromEarlierRead(departure: Departure, rows: readonly DriftRow[]): DriftRow | undefined {
  const key = openKey(departure);
  const { version, at } = departure.write;
  const isLater = ({ write }: DriftRow) => write.version >= version && Date.parse(write.at) >= Date.parse(at);
  // A twin that has nothing of a policy has one row, which stands for all properties that events show as removed.
  const isCovered = (row: DriftRow) =>
    departure.kind === 'missingProperty' &&
    row.kind === 'missingBaseline' &&
    row.moduleId === departure.moduleId &&
    row.policy === departure.policy;
  return rows.find((row) => !row.write.exact && (openKey(row) === key || isCovered(row)) && isLater(row));
}

/**
 * Whether another row records a later wrong write of the same property. A row of kind `missingBaseline` is about all properties of its
 * policy. A row of one of these properties can therefore supersede it, and it can supersede the row of a missing property.
 */
export function isSuperseded(row: DriftRow, rows: readonly DriftRow[]): boolean {
  return rows.some(
    (other) =>
      other.kind !== 'missingModule' &&
      other.moduleId === row.moduleId &&
      other.policy === row.policy &&
      (isPartOfBaseline(row.kind, other.kind) ||
        isPartOfBaseline(other.kind, row.kind) ||
        ((other.path !== '' || other.kind === row.kind) && other.path === row.path)) &&
      isLaterWrite(lastWriteOf(other), lastWriteOf(row)),
  );
}

/** Whether a row of the first kind stands for properties that a row of the second kind is about. */
function isPartOfBaseline(whole: DriftRow['kind'], part: DriftRow['kind']): boolean {
  return whole === 'missingBaseline' && part === 'missingProperty';
}
