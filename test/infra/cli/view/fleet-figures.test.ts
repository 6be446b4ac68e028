import { describe, expect, it } from 'vitest';
import { describeFleet, FleetCounter } from '../../../../infra/cli/view/fleet-figures.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';

const now = Date.parse('2026-01-01T00:00:00.000Z');

function row(outcome: DriftRow['outcome'], rowKey = 'row'): DriftRow {
  return {
    ...{ v: 1, hub: 'hub', rowKey, deviceId: 'press', moduleId: 'agent', policy: 'policy', path: 'a' },
    ...{ kind: 'wrongValue', expected: 1, actual: 2, mode: 'enforce', source: 'event' },
    write: { version: 2, at: new Date(now).toISOString(), exact: true },
    ...{ detectedAt: new Date(now).toISOString(), outcome, outcomeAt: new Date(now).toISOString() },
  };
}

function fleetOf(...ids: readonly string[]): FleetCounter {
  const counter = new FleetCounter();
  for (const id of ids) counter.created(id);
  return counter;
}

describe('the figures of the live view', () => {
  it('call no device compliant before Twinkeeper has looked at it', () => {
    const counter = fleetOf('press', 'valve');
    expect(counter.figures).toMatchObject({ devices: 2, counted: 0, compliant: 0 });
    expect(describeFleet(counter.figures)).toBe('2 devices, not counted yet');
    expect(describeFleet(fleetOf().figures)).toBe('0 devices, not counted yet');
  });

  it('count a device as soon as the history has a row of it, and the others separately', () => {
    const counter = fleetOf('press', 'valve');
    counter.update('press', [row('enforced')], false, now);
    expect(describeFleet(counter.figures)).toBe('2 devices, 1 compliant (50 %), 1 not counted yet');
    expect(counter.uncounted()).toEqual(['valve']);
    counter.count(['valve', 'unknown']);
    expect(describeFleet(counter.figures)).toBe('2 devices, 2 compliant (100 %)');
  });

  it('call a device out of line while it has an open row', () => {
    const counter = fleetOf('press');
    counter.update('press', [row('pending')], true, now);
    expect(counter.figures).toMatchObject({ counted: 1, compliant: 0, recorded: 1, repaired: 0 });
    counter.update('press', [row('enforced')], false, now);
    expect(counter.figures).toMatchObject({ counted: 1, compliant: 1, recorded: 1, repaired: 1 });
  });

  it('count the departures that are held back now', () => {
    const counter = fleetOf('press');
    counter.update('press', [row('heldBack', 'a'), row('heldBack', 'b')], true, now);
    expect(counter.figures.heldBack).toBe(2);
    counter.update('press', [row('enforced', 'a'), row('heldBack', 'b')], true, now);
    expect(counter.figures).toMatchObject({ heldBack: 1, recorded: 2, repaired: 1 });
  });

  it('leave out a deleted device', () => {
    const counter = fleetOf('press', 'valve');
    counter.update('press', [row('pending')], true, now);
    counter.deleted('press');
    expect(counter.figures).toMatchObject({ devices: 1, counted: 0, compliant: 0 });
  });
});

describe('an update of the live view', () => {
  it('returns each row when it is new and when its outcome has changed, and not again', () => {
    const counter = fleetOf('press');
    expect(counter.update('press', [row('pending')], true, now)).toHaveLength(1);
    expect(counter.update('press', [row('pending')], true, now)).toHaveLength(0);
    expect(counter.update('press', [row('enforced')], false, now)).toHaveLength(1);
    expect(counter.unfinished('press')).toEqual([]);
  });
});
