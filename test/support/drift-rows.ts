import { type DriftRow, driftKey, type Transition } from '../../shared/drift/index.ts';

/**
 * Builds a history row for tests. `more` overrides the default values. By default, the write that caused the drift has the time
 * `detectedAt`. The row has had only its present outcome.
 */
export function driftRow(deviceId: string, detectedAt: string, more: Partial<DriftRow> = {}): DriftRow {
  const departure = {
    deviceId,
    moduleId: 'Agent',
    policy: 'agent',
    path: 'mode',
    kind: 'wrongValue',
    expected: 1,
    actual: 2,
    write: { version: 1, at: detectedAt, exact: true },
    mode: 'enforce',
    ...more,
  } as const;
  const row: DriftRow = {
    ...departure,
    v: 2,
    hub: 'hub',
    rowKey: driftKey(departure),
    detectedAt,
    source: 'event',
    outcome: 'enforced',
    outcomeAt: detectedAt,
    ...more,
  };
  const { outcome, outcomeAt, closedAt, error, transitions } = row;
  if (transitions !== undefined || outcome === 'pending') return row;
  const first: Transition = { at: outcomeAt, outcome, by: 'event', ...(error === undefined ? {} : { reason: error }) };
  const end: readonly Transition[] = closedAt === undefined ? [] : [{ at: closedAt, outcome: 'ended', by: 'event' }];
  return { ...row, transitions: [first, ...end] };
}

/** Returns all items of an async iterable as an array. */
export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
