import { describe, expect, it } from 'vitest';
import { planDemo } from '../../../../infra/local/demo/demo-plan.ts';
import { demoPolicies } from '../../../../infra/local/demo/demo-policies.ts';
import { DISTURBANCE_KINDS, disturb } from '../../../../infra/local/demo/disturbance.ts';
import { demoFleet } from '../../../../infra/local/demo/fleet.ts';
import { noLimit, overwriteLimit } from '../../../../infra/local/demo/overwrite-limit.ts';
import { seededRandom } from '../../../../infra/local/demo/random.ts';

const policies = demoPolicies();

describe('the blast radius of the demo', () => {
  it('is out of reach of the disturbances of --once, even when each of them is repaired twice', () => {
    for (const devices of [1, 20, 100]) {
      const departures = planDemo(3, devices, policies).flatMap(({ disturbances }) =>
        disturbances.flatMap((disturbance) => disturbance.departures),
      );
      for (const { name } of policies) {
        const most = departures.filter(({ policy, kind }) => policy === name && kind !== 'missingModule').length;
        expect(2 * most).toBeLessThan(overwriteLimit({ demo: true, once: true, devices }));
      }
    }
  });

  it('is reached by the live demo within some minutes, and not by its first disturbances', () => {
    const random = seededRandom(1);
    const fleet = demoFleet(20);
    const limit = overwriteLimit({ demo: true, devices: 20 });
    const counts = new Map<string, number>();
    let disturbances = 0;
    while (Math.max(0, ...counts.values()) <= limit && disturbances < 1_000) {
      disturbances++;
      const disturbance = disturb(random.pick(DISTURBANCE_KINDS), random.pick(fleet), policies, random);
      for (const { policy, kind } of disturbance?.departures ?? []) {
        if (kind === 'wrongValue' || kind === 'forbiddenProperty') counts.set(policy, (counts.get(policy) ?? 0) + 1);
      }
    }
    // The live demo makes about one disturbance a second, so these numbers are about 30 s and 180 s.
    expect(disturbances).toBeGreaterThan(30);
    expect(disturbances).toBeLessThan(180);
  });

  it('does not limit the clients of --no-demo', () => {
    expect(overwriteLimit({ demo: false, devices: 20 })).toBe(noLimit);
  });
});
