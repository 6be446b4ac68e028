import type { DriftRow } from '../../../shared/drift/index.ts';
import { isJsonObject, type Json } from '../../../shared/twin/index.ts';

/** A row of the history as short texts, for the live view. */
export interface DescribedRow {
  readonly time: string;
  readonly device: string;
  readonly module: string;
  /** The path of the property. If the first section of the path has a name of 24 characters or more, the path is without this section. */
  readonly property: string;
  readonly before: string;
  readonly after: string;
  readonly outcome: string;
}

/** Turns a row of the history into short texts. None of them has a line break. */
export function describeRow(row: DriftRow): DescribedRow {
  const isModule = row.kind === 'missingModule';
  const isWhole = isModule || row.kind === 'missingBaseline';
  return {
    time: row.outcomeAt.slice(11, 19),
    device: row.deviceId,
    module: row.moduleId,
    property: isModule
      ? '(module)'
      : row.path.replace(/^[^.]{24,}\./, '') || (isWhole ? '(baseline)' : `(${row.kind})`),
    before: describeValue(row.actual),
    after: isWhole && isJsonObject(row.expected) ? 'baseline' : describeValue(row.expected),
    outcome: row.outcome,
  };
}

function describeValue(value: Json | undefined): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}
