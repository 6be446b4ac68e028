import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareHistory, unsettled } from '../../../../infra/local/demo/compare-history.ts';
import type { InjectedDeparture } from '../../../../infra/local/demo/departures.ts';
import { countCreated, percentile, reactionTimes } from '../../../../infra/local/demo/summary.ts';
import { driftRow as row } from './drift-row.ts';

const departures = fc.record({
  deviceId: fc.constantFrom('a', 'b'),
  moduleId: fc.constant('m'),
  policy: fc.constant('p'),
  path: fc.constantFrom('', 'x', 'x.y'),
  kind: fc.constantFrom('wrongValue' as const, 'missingProperty' as const),
});

describe('the ledger of the demo', () => {
  it('is settled when each departure has its row, in any order', () => {
    fc.assert(
      fc.property(
        fc.array(departures),
        fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
        (ledger, order) => {
          const rows = ledger.map((departure) => ({ row: row(departure), place: order.next().value as number }));
          const shuffled = rows.toSorted((a, b) => a.place - b.place).map((one) => one.row);
          expect(compareHistory(ledger, shuffled)).toMatchObject({ unrecorded: [], surplus: [] });
          expect(unsettled(ledger, shuffled)).toEqual([]);
        },
      ),
    );
  });

  it('reports exactly the departure without a row and the row without a departure', () => {
    fc.assert(
      fc.property(fc.array(departures, { minLength: 1 }), fc.nat(), (ledger, index) => {
        const left = ledger[index % ledger.length] as InjectedDeparture;
        const without = ledger.filter((departure) => departure !== left);
        expect(
          compareHistory(
            ledger,
            without.map((one) => row(one)),
          ).unrecorded,
        ).toEqual([left]);
        expect(
          compareHistory(
            without,
            ledger.map((one) => row(one)),
          ).surplus,
        ).toHaveLength(1);
      }),
    );
  });

  it('takes a row with folded writes for as many departures as it counts', () => {
    const departure = { deviceId: 'a', moduleId: 'm', policy: 'p', path: 'x', kind: 'wrongValue' } as const;
    const folded = row(departure, { times: 3 });
    const compared = (caused: number) =>
      compareHistory(
        Array.from({ length: caused }, () => departure),
        [folded],
      );
    expect(compared(3)).toMatchObject({ unrecorded: [], surplus: [] });
    expect(compared(4).unrecorded).toEqual([departure]);
    expect(compared(2).surplus).toEqual([folded]);
  });

  it('is not settled while a row has no final outcome', () => {
    const departure = { deviceId: 'a', moduleId: 'm', policy: 'p', path: 'x', kind: 'wrongValue' } as const;
    expect(unsettled([departure], [row(departure, { outcome: 'deferred', error: 'throttled' })])).toEqual([
      'a m x wrongValue: deferred (throttled)',
    ]);
    expect(unsettled([departure], [])).toEqual(['a m x wrongValue: not in the history']);
  });
});

describe('the summary', () => {
  it('counts a module once that two policies create', () => {
    const missing = { deviceId: 'a', moduleId: 'm', path: '', kind: 'missingModule' } as const;
    const write = { version: 1, at: '2026-01-01T00:00:00.000Z', exact: true };
    const rows = ['p', 'q'].map((policy) => row({ ...missing, policy }, { outcome: 'created', write }));
    expect(countCreated(rows)).toBe(1);
    expect(countCreated([...rows, row({ ...missing, policy: 'p' }, { outcome: 'created' })])).toBe(2);
  });

  it('has nearest-rank percentiles of the repair times', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([percentile(hundred, 0.5), percentile(hundred, 0.99), percentile([], 0.5)]).toEqual([50, 99, 0]);
    const departure = { deviceId: 'a', moduleId: 'm', policy: 'p', path: 'x', kind: 'wrongValue' } as const;
    expect(reactionTimes([row(departure), row(departure, { outcome: 'healed' })])).toEqual([250]);
  });
});
