import type { InjectedDeparture } from '../../../../infra/local/demo/departures.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';

let version = 0;

/** A row that records the departure. By default, its drift is repaired. */
export function driftRow(departure: InjectedDeparture, more: Partial<DriftRow> = {}): DriftRow {
  return {
    ...departure,
    v: 2,
    hub: 'hub',
    rowKey: String(version),
    detectedAt: '2026-01-01T00:00:00.000Z',
    source: 'event',
    expected: 1,
    actual: 2,
    write: { version: version++, at: '2026-01-01T00:00:00.000Z', exact: true },
    mode: 'enforce',
    outcome: 'enforced',
    outcomeAt: '2026-01-01T00:00:00.250Z',
    ...more,
  };
}
