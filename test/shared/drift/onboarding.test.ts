import { describe, expect, it } from 'vitest';
import { type DriftRow, isOnboarding } from '../../../shared/drift/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { at, begin, hour, useRollups } from './rollups-fixture.ts';

const fixture = useRollups();
const inexact = { version: 0, at: at(0), exact: false };
const missing = (more: Partial<DriftRow>) => driftRow('d', at(0), { kind: 'missingModule', path: '', ...more });
const bare = (more: Partial<DriftRow>) => driftRow('d', at(0), { kind: 'missingBaseline', path: '', ...more });

describe('the onboarding of a device', () => {
  it.each([
    ['its event of a new device', true, missing({})],
    ['the event of a deletion', false, missing({ twinVersion: 4 })],
    ['a sweep, first row of the module', true, missing({ write: inexact, isFirst: true })],
    ['a sweep, later row of the module', false, missing({ write: inexact })],
    ['a sweep, and the event of a deletion that came later', false, missing({ isFirst: true, twinVersion: 4 })],
    ['an empty twin, first row of the module', true, bare({ write: { ...inexact, version: 1 }, isFirst: true })],
    ['a twin that somebody emptied', false, bare({ write: { ...inexact, version: 7 }, isFirst: true })],
    ['an empty twin, later row of the module', false, bare({ write: { ...inexact, version: 1 } })],
    ['a wrong value', false, driftRow('d', at(0), {})],
  ])('is or is not told by %s', (_, expected, row) => {
    expect(isOnboarding(row)).toBe(expected);
  });

  it('is counted apart, and is not among what departs most', async () => {
    await fixture.record(
      ...['a', 'b', 'c'].map((id) => driftRow(id, at(0), { kind: 'missingModule', path: '', outcome: 'created' })),
      driftRow('a', at(0), { twinVersion: 3, kind: 'missingModule', path: '', outcome: 'created', policy: 'other' }),
      driftRow('d', at(0), {}),
    );
    fixture.time = begin + hour;
    await fixture.rollups.refresh([]);
    const { total, onboarding, topDevices, topProperties, buckets } = await fixture.rollups.summary(at(0), at(1), 1);
    const apart = { total: 3, byPolicy: { agent: 3 }, byKind: { missingModule: 3 }, byOutcome: { created: 3 } };
    expect([total, onboarding, buckets[0]?.onboarding]).toEqual([5, apart, apart]);
    expect(topDevices).toEqual([
      { deviceId: 'a', count: 1 },
      { deviceId: 'd', count: 1 },
    ]);
    expect(topProperties.map(({ policy, path }) => `${policy} ${path}`)).toEqual(['agent mode', 'other ']);
  });
});
