import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AppliesTo } from '../../../shared/policy/index.ts';
import { type ForecastWorld, newModule, startForecastWorld } from './forecast-world.ts';

let world: ForecastWorld;
beforeAll(async () => {
  world = await startForecastWorld();
});
afterAll(() => world.close());

it('a scope without any device gets a warning in the forecast, and other scopes get none', async () => {
  const { module, policy } = newModule({ createModule: true, desired: { a: 1 } });
  await world.addDevices(module, 2, { env: 'production' });
  const scopes: readonly [AppliesTo, number][] = [
    [{ deviceId: `${module}-*` }, 2],
    [{ deviceId: [`${module}-1`, 'other'] }, 1],
    [{ deviceId: `${module}-*`, not: { deviceId: `${module}-1` } }, 1],
    [{ deviceId: `${module}-*`, tags: { env: ['production', 'staging'] } }, 2],
    [{ deviceId: `${module}-*`, not: { tags: { env: 'production' } } }, 0],
    [{ deviceId: `${module}-*`, tags: { env: 'Production' } }, 0],
    [{ deviceId: `${module.toUpperCase()}-*` }, 0],
    [() => false, 0],
  ];
  for (const [appliesTo, devices] of scopes) {
    const [found] = (await world.predict([{ ...policy, appliesTo }])).policies;
    expect(found?.devices, JSON.stringify(appliesTo)).toBe(devices);
    expect(found?.warning ?? '').toContain(devices === 0 ? 'No device of the hub is in the scope' : '');
    expect(found?.warning === undefined).toBe(devices > 0);
  }
  const failing = () => {
    throw new Error('broken');
  };
  const [failed] = (await world.predict([{ ...policy, appliesTo: failing }])).policies;
  expect(failed).toMatchObject({ devices: 0, recorded: [{ kind: 'policyError' }] });
  expect(failed?.warning).toBeUndefined();
});
