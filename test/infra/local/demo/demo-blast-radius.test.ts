import { describe, expect, it } from 'vitest';
import { demoBlastRadius, noLimit } from '../../../../infra/local/demo/demo-blast-radius.ts';
import { planDemo } from '../../../../infra/local/demo/demo-plan.ts';
import { demoPolicies } from '../../../../infra/local/demo/demo-policies.ts';
import { DISTURBANCE_KINDS, disturb } from '../../../../infra/local/demo/disturbance.ts';
import { demoFleet } from '../../../../infra/local/demo/fleet.ts';
import { seededRandom } from '../../../../infra/local/demo/random.ts';

const policies = demoPolicies();

describe('the blast radius of the demo', () => {
  it('is out of reach of the disturbances of --once', () => {
    for (const devices of [1, 20, 100]) {
      const departures = planDemo(3, devices, policies).flatMap(({ disturbances }) =>
        disturbances.flatMap((disturbance) => disturbance.departures),
      );
      for (const { name } of policies) {
        const ofPolicy = departures.filter(({ policy, kind }) => policy === name && kind !== 'missingModule');
        const twins = new Set(ofPolicy.map(({ deviceId, moduleId }) => JSON.stringify([deviceId, moduleId])));
        expect(twins.size).toBeLessThanOrEqual(demoBlastRadius({ demo: true, once: true, devices }));
      }
    }
  });

  it('is reached by the live demo within some minutes, and not by its first disturbances', () => {
    const random = seededRandom(1);
    const fleet = demoFleet(20);
    const limit = demoBlastRadius({ demo: true, devices: 20 });
    const twins = new Map<string, Set<string>>(policies.map(({ name }) => [name, new Set()]));
    let disturbances = 0;
    while (Math.max(...[...twins.values()].map(({ size }) => size)) <= limit && disturbances < 1_000) {
      disturbances++;
      const disturbance = disturb(random.pick(DISTURBANCE_KINDS), random.pick(fleet), policies, random);
      for (const { policy, kind, deviceId } of disturbance?.departures ?? []) {
        if (kind === 'wrongValue' || kind === 'forbiddenProperty') twins.get(policy)?.add(deviceId);
      }
    }
    // The live demo makes about one disturbance a second, so these numbers are about 30 s and 180 s.
    expect(disturbances).toBeGreaterThan(30);
    expect(disturbances).toBeLessThan(180);
  });

  it('does not limit the clients of --no-demo', () => {
    expect(demoBlastRadius({ demo: false, devices: 20 })).toBe(noLimit);
  });
});
