import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { planDemo } from '../../../../infra/local/demo/demo-plan.ts';
import { demoPolicies } from '../../../../infra/local/demo/demo-policies.ts';
import { demoFleet } from '../../../../infra/local/demo/fleet.ts';
import { isDeviceId } from '../../../../shared/twin/index.ts';
import { policies as fixturePolicies } from '../../../support/fixture-policies.ts';

const policies = demoPolicies(fixturePolicies);

describe('the plan of a run', () => {
  it('is the same for the same seed, and differs for another seed', () => {
    expect(planDemo(5, 30, policies)).toEqual(planDemo(5, 30, policies));
    expect(planDemo(5, 30, policies)).not.toEqual(planDemo(6, 30, policies));
  });

  it('disturbs every device, and deletes a device only once and last', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), fc.integer({ min: 1, max: 60 }), (seed, count) => {
        const plan = planDemo(seed, count, policies);
        expect(plan).toHaveLength(count);
        for (const { disturbances, contest, isDeleted, departures } of plan) {
          // The repairs before a stand-down are counted, so a device with a contest has no other disturbances.
          expect(disturbances.length > 0).toBe(contest === undefined);
          expect(departures).toHaveLength(policies.filter(({ createModule }) => createModule).length);
          const deletions = disturbances.flatMap(({ kind }, index) => (kind === 'deviceDeleted' ? [index] : []));
          expect(deletions).toEqual(isDeleted ? [disturbances.length - 1] : []);
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('the contests of a run', () => {
  it('are two of each kind, on at most half of the devices', () => {
    const kinds = (count: number) =>
      planDemo(1, count, policies)
        .flatMap(({ contest }) => contest?.kind ?? [])
        .toSorted();
    expect(kinds(100)).toEqual(['flappingProperty', 'flappingProperty', 'moduleWar', 'moduleWar']);
    expect([1, 2, 3, 5].map((count) => kinds(count).length)).toEqual([0, 1, 1, 2]);
  });
});

describe('the demo fleet', () => {
  it('has unique valid ids, which together have every character that IoT Hub allows', () => {
    const ids = demoFleet(100).map(({ deviceId }) => deviceId);
    expect(ids.filter((id) => !isDeviceId(id))).toEqual([]);
    expect(new Set(ids).size).toBe(100);
    expect(
      [..."-.+%_#*?!(),:=@$'"].filter((char) => !demoFleet(20).some(({ deviceId }) => deviceId.includes(char))),
    ).toEqual([]);
  });

  it('has devices of every arrival', () => {
    expect(new Set(demoFleet(20).map(({ arrival }) => arrival)).size).toBe(4);
  });
});
