import type { DriftRow } from '../../../shared/drift/index.ts';
import { isJsonObject, type Json } from '../../../shared/twin/index.ts';

/** A history row in the words of the view. */
export interface DescribedRow {
  readonly time: string;
  readonly device: string;
  readonly module: string;
  /** The property, without the section's name where that is a long one. */
  readonly what: string;
  readonly before: string;
  readonly after: string;
  readonly outcome: string;
}

/** Puts a row into words, each part short and on one line. */
export function describeRow(row: DriftRow): DescribedRow {
  const isModule = row.kind === 'missingModule';
  return {
    time: row.outcomeAt.slice(11, 19),
    device: row.deviceId,
    module: row.moduleId,
    what: isModule ? '(module)' : row.path.replace(/^[^.]{24,}\./, '') || `(${row.kind})`,
    before: show(row.actual),
    after: isModule && isJsonObject(row.expected) ? 'baseline' : show(row.expected),
    outcome: row.outcome,
  };
}

function show(value: Json | undefined): string {
  return value === undefined ? '(none)' : JSON.stringify(value);
}
