import type { TableEntity } from '@azure/data-tables';
import { encodeDeviceId, joinText, splitText } from '../storage/index.ts';
import type { Json } from '../twin/index.ts';
import type { DriftKind, DriftRow, Outcome, Source } from './departure.ts';

/**
 * The columns of a row that a pass needs to find the row of a departure, and that guards need. All of them are short. The columns with the
 * values of properties are not among them.
 */
export const shortColumns: readonly string[] = [
  'rowKey',
  'moduleId',
  'policy',
  'path',
  'kind',
  'writeVersion',
  'writtenAt',
  'writeExact',
  'writtenBy',
  'mode',
  'detectedAt',
  'operationTimestamp',
  'correlationId',
  'twinVersion',
  'desiredVersion',
  'outcome',
  'outcomeAt',
  'closedAt',
  'times',
  'lastWriteVersion',
  'lastWrittenAt',
  'lastWriteExact',
  'lastWrittenBy',
  'foldedVersions',
];

/**
 * Returns a row with the values of the columns that are not in {@link shortColumns}. Only closed or `pending` rows are read without these
 * columns, and such a row has no `error`.
 *
 * @param row A row that was read with {@link shortColumns}, and may have changed since then.
 * @param stored The whole row, as it is stored.
 */
export function withLongColumns(row: DriftRow, stored: DriftRow): DriftRow {
  const { expected, actual, message, lastActual } = stored;
  return {
    ...(message === undefined ? {} : { message }),
    ...(lastActual === undefined ? {} : { lastActual }),
    ...row,
    hub: stored.hub,
    source: stored.source,
    expected: row.expected ?? expected,
    actual: row.actual ?? actual,
  };
}

/**
 * Converts a history row to a table entity with the given RowKey. `expected` and `actual` become JSON text, because a table entity cannot
 * hold objects.
 */
export function toEntity(row: DriftRow, rowKey: string): TableEntity<Record<string, unknown>> {
  const { expected, actual, write, message, lastWrite, lastActual, foldedVersions, ...plain } = row;
  return {
    ...plain,
    partitionKey: encodeDeviceId(row.deviceId),
    rowKey,
    historyKey: row.rowKey,
    writeVersion: write.version,
    writtenAt: write.at,
    writeExact: write.exact,
    ...(write.by === undefined ? {} : { writtenBy: write.by }),
    ...splitText('expected', expected === undefined ? undefined : JSON.stringify(expected)),
    ...splitText('actual', actual === undefined ? undefined : JSON.stringify(actual)),
    ...splitText('message', message),
    ...(lastWrite === undefined
      ? {}
      : { lastWriteVersion: lastWrite.version, lastWrittenAt: lastWrite.at, lastWriteExact: lastWrite.exact }),
    ...(lastWrite?.by === undefined ? {} : { lastWrittenBy: lastWrite.by }),
    ...(foldedVersions === undefined ? {} : { foldedVersions: JSON.stringify(foldedVersions) }),
    ...splitText('lastActual', lastActual === undefined ? undefined : JSON.stringify(lastActual)),
  };
}

/** Converts a table entity from {@link toEntity} to the history row. */
export function fromEntity(entity: Readonly<Record<string, unknown>>): DriftRow {
  const text = (name: string) => String(entity[name] ?? '');
  const optionalText = (name: string) => (typeof entity[name] === 'string' ? { [name]: entity[name] } : {});
  const optionalNumber = (name: string) => (typeof entity[name] === 'number' ? { [name]: entity[name] } : {});
  const json = (name: string): Json | undefined => {
    const stored = joinText(name, entity);
    return stored === undefined ? undefined : (JSON.parse(stored) as Json);
  };
  const message = joinText('message', entity);
  const lastActual = json('lastActual');
  return {
    v: 1,
    hub: text('hub'),
    rowKey: text('historyKey'),
    deviceId: text('deviceId'),
    moduleId: text('moduleId'),
    policy: text('policy'),
    path: text('path'),
    kind: text('kind') as DriftKind,
    expected: json('expected'),
    actual: json('actual'),
    write: {
      version: Number(entity.writeVersion),
      at: text('writtenAt'),
      exact: entity.writeExact === true,
      ...(typeof entity.writtenBy === 'string' ? { by: entity.writtenBy } : {}),
    },
    mode: entity.mode === 'audit' ? 'audit' : 'enforce',
    ...(message === undefined ? {} : { message }),
    detectedAt: text('detectedAt'),
    source: text('source') as Source,
    ...optionalText('operationTimestamp'),
    ...optionalText('correlationId'),
    ...optionalNumber('twinVersion'),
    ...optionalNumber('desiredVersion'),
    outcome: text('outcome') as Outcome,
    outcomeAt: text('outcomeAt'),
    ...optionalText('closedAt'),
    ...optionalText('error'),
    ...optionalNumber('times'),
    ...(typeof entity.lastWriteVersion === 'number'
      ? {
          lastWrite: {
            version: entity.lastWriteVersion,
            at: text('lastWrittenAt'),
            exact: entity.lastWriteExact === true,
            ...(typeof entity.lastWrittenBy === 'string' ? { by: entity.lastWrittenBy } : {}),
          },
        }
      : {}),
    ...(lastActual === undefined ? {} : { lastActual }),
    ...(typeof entity.foldedVersions === 'string'
      ? { foldedVersions: JSON.parse(entity.foldedVersions) as number[] }
      : {}),
  };
}
