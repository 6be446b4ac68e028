import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { newTwin, patchReported, renderTwin } from '../../../infra/local/hub/twin.ts';
import type { Hub } from '../../../shared/hub/index.ts';
import { baselineOf, type Policy, toPolicySet } from '../../../shared/policy/index.ts';
import { parseQuery, valueAt } from '../../../shared/query/index.ts';
import { brokenRules } from '../../../shared/reconcile/departures.ts';
import { readMissed } from '../../../shared/sweep/store/index.ts';
import { valueRows } from '../../../shared/sweep/walk/twin-rows.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { fc } from '../../support/arbitraries.ts';
import { builtIn } from '../../support/built-in-policies.ts';
import { atQueries } from '../../support/disturbed-hub.ts';
import { MovableClock } from '../../support/movable-clock.ts';
import { type SweepInstance, type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';
import { policyWithTwin } from './where/policy-and-twin.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

const day = 24 * 3600_000;
const isLook = (query: string) => query.includes(' AS d0');
const errors = ({ logged }: SweepInstance) => logged.filter(({ level }) => level === 'error');

/** Wraps a hub client. The queries for broken twins return nothing while `isBlind` returns true. */
const blindWhile = (isBlind: () => boolean) => (hub: Hub) =>
  atQueries(
    hub,
    (query) => query.startsWith('SELECT deviceId, version FROM') && isBlind(),
    () => ({ ok: true, value: { items: [] } }),
  );

describe('a full look', () => {
  it('on a hub whose queries miss a twin repairs the twin, and says so loudly until the queries are true again', async () => {
    const [broken, fine] = [newDeviceId('look'), newDeviceId('look')];
    world.add(broken, { Agent: wrongMode });
    world.add(fine, { Agent: compliant });
    let isBlind = true;
    const clock = new MovableClock();
    const instance = world.newInstance([agentPolicy], { throughHub: blindWhile(() => isBlind), clock, lookDays: 7 });
    const row = await instance.sweep();
    expect(row.warnings).toEqual([expect.stringContaining(broken)]);
    expect(row.warnings.join()).not.toContain(fine);
    expect(errors(instance)).toEqual([{ level: 'error', message: row.warnings[0] }]);
    expect(await world.briefHistory(broken)).toEqual([['wrongValue', 'mode', 'enforced']]);
    expect(await readMissed(instance.store)).toEqual({ agent: row.warnings[0] });

    // Only what the look read is verified while the queries are known to be wrong.
    expect(row.verified?.agent?.values?.how).toBe('read');

    // Until the next look, each sweep warns. The log has one error.
    isBlind = false;
    const next = await instance.sweep();
    expect(next.warnings).toEqual(row.warnings);
    expect(next.verified?.agent?.values).toEqual(row.verified?.agent?.values);
    clock.pass(7 * day);
    const last = await instance.sweep();
    expect([last.warnings, last.verified?.agent?.values]).toEqual([[], { how: 'query', at: last.startedAt }]);
    expect(await readMissed(instance.store)).toEqual({});
    expect(errors(instance)).toHaveLength(1);
  });

  it('says nothing about a twin that changed between the query and the look', async () => {
    const deviceId = newDeviceId('look');
    world.add(deviceId, { Agent: compliant });
    const throughHub = (hub: Hub) =>
      atQueries(hub, isLook, async () => {
        await world.patchAgent(deviceId, wrongMode);
        return undefined;
      });
    const instance = world.newInstance([agentPolicy], { throughHub, lookDays: 7 });
    expect(await instance.sweep()).toMatchObject({ warnings: [], changed: 1 });
    expect(errors(instance)).toEqual([]);
  });

  it.each([
    ['is right again', compliant, 0],
    ['has another wrong value', { ...wrongMode, mode: 'Worse' }, 1],
  ])(
    'says nothing about a twin that %s since the late query view, which may be why no query returned it',
    async (_, now, changed) => {
      const deviceId = newDeviceId('look');
      world.add(deviceId, { Agent: wrongMode });
      const throughHub = (hub: Hub) =>
        atQueries(blindWhile(() => true)(hub), isLook, async (query) => {
          const late = await hub.queryPage(query);
          await world.patchAgent(deviceId, now);
          return late;
        });
      const instance = world.newInstance([agentPolicy], { throughHub, lookDays: 7 });
      expect(await instance.sweep()).toMatchObject({ warnings: [], changed });
      expect(errors(instance)).toEqual([]);
    },
  );

  it('is made once a week, and costs one query a thousand twins', async () => {
    world.add(newDeviceId('look'), { Agent: compliant });
    const clock = new MovableClock();
    let looks = 0;
    const throughHub = (hub: Hub) =>
      atQueries(hub, isLook, () => {
        looks++;
        return undefined;
      });
    const instance = world.newInstance([agentPolicy], { throughHub, clock, lookDays: 7 });
    for (let days = 0; days < 15; days++) {
      await instance.sweep();
      clock.pass(day);
    }
    expect(looks).toBe(3);
  });
});

describe('the rows of a full look', () => {
  const looks = (policy: Policy, document: JsonObject) => {
    const { columns, toTwins } = valueRows(policy, 'full');
    const { select } = parseQuery(`SELECT ${columns} FROM devices.modules`);
    if (select === '*') throw new Error('The query selects whole twins.');
    const row = Object.fromEntries(
      select.flatMap((selected) => {
        const value = selected.type === 'value' ? valueAt(document, selected.path) : undefined;
        return value === undefined ? [] : [[selected.key, value]];
      }),
    );
    return { row, twins: () => toTwins([row]) };
  };

  it('show each broken rule that the whole twin shows, and no other', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: false }), ({ policy, document, twin }) => {
        const { row, twins } = looks(policy, document);
        if (Object.keys(row).every((name) => !/^d\d/.test(name))) expect(twins).toThrow(/none of the values/);
        else expect(brokenRules([policy], twins()[0] ?? twin).length > 0).toBe(brokenRules([policy], twin).length > 0);
      }),
      { numRuns: 500 },
    );
  });

  it.each(toPolicySet(builtIn, { mode: 'enforce' }).all)('of $name are much smaller than its twins', (policy) => {
    const desired = baselineOf(policy);
    const twin = renderTwin(patchReported(newTwin({ desired }, 1000), { ...desired }, 2000).twin);
    const document = { deviceId: 'plant-000123', ...twin } as JsonObject;
    const { row } = looks(policy, document);
    expect(JSON.stringify(row).length * 10).toBeLessThan(JSON.stringify(document).length);
  });
});
