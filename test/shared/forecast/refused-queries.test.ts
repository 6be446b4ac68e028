import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../shared/clock.ts';
import { forecast } from '../../../shared/forecast/index.ts';
import type { Answer, QueryPage } from '../../../shared/hub/index.ts';
import { type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import { atQueries } from '../../support/disturbed-hub.ts';
import { budget, type ForecastWorld, newModule, startForecastWorld, unlimited } from './forecast-world.ts';

let world: ForecastWorld;
beforeAll(async () => {
  world = await startForecastWorld();
});
afterAll(() => world.close());

/** Returns the forecast for a policy on a hub that answers these queries with this status. */
async function predictRefused(policy: PolicyDefinition, status: number, isRefused: (query: string) => boolean) {
  const problem = { type: 'refused', status, message: `${status} no` } as const;
  const refusal: Answer<QueryPage> = { ok: false, problem };
  const hub = atQueries(world.hubClient, isRefused, () => refusal);
  const policies = toPolicySet([policy], { mode: 'enforce' });
  const result = await forecast({ policies, hub, budget, limit: unlimited, clock: systemClock });
  return result.policies[0];
}

describe('a forecast on a hub that refuses a query, like a sweep,', () => {
  it.each([400, 403, 412])('reads all twins when the query for broken twins gets %d', async (status) => {
    const { module, policy } = newModule({ desired: { a: 1 } });
    await world.addDevices(module, 2);
    await world.addModules(module, [1, 2], (index) => ({ a: index }));
    const result = await predictRefused(policy, status, (query) => query.includes('properties.desired'));
    expect(result).toMatchObject({ devices: 2, compliant: 1, propertiesToChange: 1 });
    expect(result?.walked).toContain(`${status} no`);
  });

  it.each([403, 412])('reads all devices when the scope gets %d', async (status) => {
    const { module, policy } = newModule({ createModule: true });
    await world.addDevices(module, 2, { line: module });
    const scoped = { ...policy, appliesTo: { tags: { line: module } } };
    const result = await predictRefused(scoped, status, (query) => query.includes('tags.line'));
    expect(result).toMatchObject({ devices: 2, modulesToCreate: 2 });
  });

  it('fails at once when the messages of the day are used up', async () => {
    const { policy } = newModule({ desired: { a: 1 } });
    const problem = { type: 'throttled', message: 'quota', waits: true, quota: 'hub', retryAfter: 1e7 } as const;
    const hub = atQueries(
      world.hubClient,
      () => true,
      () => ({ ok: false, problem }),
    );
    const policies = toPolicySet([policy], { mode: 'enforce' });
    const asked = forecast({ policies, hub, budget, limit: unlimited, clock: systemClock });
    await expect(asked).rejects.toThrow(/The hub .+ cannot be queried: quota/);
  });

  it('fails with the name of the hub when the hub refuses all queries', async () => {
    const { policy } = newModule({ desired: { a: 1 } });
    await expect(predictRefused(policy, 403, () => true)).rejects.toThrow(/The hub .+ refused the query: 403 no/);
  });
});
