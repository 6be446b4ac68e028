import type { TableEntity } from '@azure/data-tables';
import { encodeDeviceId, joinText, splitText } from '../storage/index.ts';
import type { Json } from '../twin/index.ts';
import type { DriftKind, DriftRow } from './departure.ts';
import type { Outcome, Source, Transition } from './outcome.ts';
import { transitionsOf } from './transitions.ts';

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
  'isFirst',
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
  'transitions',
  'v',
];

/**
 * Returns a row with the values of the columns that are not in {@link shortColumns}. Only closed or `pending` rows are read without these
 * columns, and such a row has no `error`.
 *
 * @param row A row that was read with {@link shortColumns}, and may have changed since then.
 * @param stored The whole row, as it is stored.
 */
export function withLongColumns(row: DriftRow, stored: DriftRow): DriftRow {
  const { expected, actual, message, lastActual, policyVersion, appVersion } = stored;
  return {
    ...(message === undefined ? {} : { message }),
    ...(lastActual === undefined ? {} : { lastActual }),
    ...(policyVersion === undefined ? {} : { policyVersion }),
    ...(appVersion === undefined ? {} : { appVersion }),
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
  const { expected, actual, write, message, lastWrite, lastActual, foldedVersions, transitions, ...plain } = row;
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
    ...(transitions === undefined ? {} : { transitions: JSON.stringify(transitions), ...pastOutcomes(row) }),
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
  const row: DriftRow = {
    v: entity.v === 2 ? 2 : 1,
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
    ...optionalText('policyVersion'),
    ...optionalText('appVersion'),
    detectedAt: text('detectedAt'),
    source: text('source') as Source,
    ...(entity.isFirst === true ? { isFirst: true } : {}),
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
    ...(typeof entity.transitions === 'string' ? { transitions: JSON.parse(entity.transitions) as Transition[] } : {}),
  };
  const transitions = transitionsOf(row);
  return transitions.length === 0 ? row : { ...row, transitions };
}

/**
 * A column for each outcome that the row had and no longer has, so that a query can find the row: Table Storage cannot look into the text of
 * the transitions.
 */
function pastOutcomes({ outcome: present, transitions = [] }: DriftRow): Readonly<Record<string, true>> {
  const past = new Set(transitions.map(({ outcome }) => outcome));
  return Object.fromEntries([...past].flatMap((outcome) => (outcome === present ? [] : columnOf(outcome))));
}

/** For each outcome, the name of the column that is true when the row had this outcome and no longer has it. */
const pastColumns: ReadonlyMap<string, string> = new Map(
  Object.entries({
    pending: 'wasPending',
    created: 'wasCreated',
    enforced: 'wasEnforced',
    audited: 'wasAudited',
    healed: 'wasHealed',
    superseded: 'wasSuperseded',
    gone: 'wasGone',
    retired: 'wasRetired',
    deferred: 'wasDeferred',
    heldBack: 'wasHeldBack',
    failed: 'wasFailed',
  } satisfies Record<Outcome, string>),
);

function columnOf(outcome: string): readonly (readonly [string, true])[] {
  const column = pastColumn(outcome);
  return column === undefined ? [] : [[column, true]];
}

/** The column of an outcome in {@link pastColumns}. `undefined` for any other text, which must not become a part of a query. */
export function pastColumn(outcome: string): string | undefined {
  return pastColumns.get(outcome);
}
