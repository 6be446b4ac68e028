import type { DriftRow } from '../../../shared/drift/index.ts';
import { isJsonObject, type Json } from '../../../shared/twin/index.ts';

/** A history row as texts for the live view. */
export interface DescribedRow {
  readonly time: string;
  readonly device: string;
  readonly module: string;
  /** The path, without its first section when the section's name is long. */
  readonly property: string;
  readonly before: string;
  readonly after: string;
  readonly outcome: string;
}

/** Turns a row into short texts, each on one line. */
export function describeRow(row: DriftRow): DescribedRow {
  const isModule = row.kind === 'missingModule';
  return {
    time: row.outcomeAt.slice(11, 19),
    device: row.deviceId,
    module: row.moduleId,
    property: isModule ? '(module)' : row.path.replace(/^[^.]{24,}\./, '') || `(${row.kind})`,
    before: describeValue(row.actual),
    after: isModule && isJsonObject(row.expected) ? 'baseline' : describeValue(row.expected),
    outcome: row.outcome,
  };
}

function describeValue(value: Json | undefined): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}
