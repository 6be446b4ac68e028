import { type DriftRow, driftKey } from '../../shared/drift/index.ts';

/**
 * Builds a history row for tests. `more` overrides the default values. By default, the write that caused the drift has the time
 * `detectedAt`.
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
  return {
    ...departure,
    v: 1,
    hub: 'hub',
    rowKey: driftKey(departure),
    detectedAt,
    source: 'event',
    outcome: 'enforced',
    outcomeAt: detectedAt,
    ...more,
  };
}

/** Returns all items of an async iterable as an array. */
export async function collect<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
