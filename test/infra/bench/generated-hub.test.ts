import { describe, expect, it } from 'vitest';
import { GeneratedHub } from '../../../infra/bench/million/generated-hub.ts';
import type { Answer, Hub } from '../../../shared/hub/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { StillClock } from '../../support/still-clock.ts';

const baseline = { mode: 'High', level: 2 };

function newHub(devices: number) {
  const generated = new GeneratedHub({
    ...{ devices, moduleId: 'Agent', baseline, tags: { group: 'a' }, clock: new StillClock() },
    budget: { tier: 'S3', units: 200, share: 1, messageShare: 1 },
  });
  return { generated, hub: generated.lane('events') };
}

function answered<T>(answer: Answer<T>): T {
  if (!answer.ok) throw new Error(answer.problem.message);
  return answer.value;
}

async function allResults(hub: Hub, query: string): Promise<readonly JsonObject[]> {
  const items: JsonObject[] = [];
  let continuation: string | undefined;
  do {
    const page = answered(await hub.queryPage(query, continuation));
    expect(page.items.length).toBeLessThanOrEqual(1000);
    items.push(...page.items);
    continuation = page.continuation;
  } while (continuation !== undefined);
  return items;
}

const ids = (items: readonly JsonObject[]) => items.map(({ deviceId }) => deviceId);
const all = 'SELECT deviceId FROM devices.modules';

describe('a generated hub', () => {
  it('lists each device and module once, in pages', async () => {
    const { generated, hub } = newHub(2_500);
    expect(new Set(ids(await allResults(hub, 'SELECT deviceId FROM devices'))).size).toBe(2_500);
    generated.deleteModules(500);
    const listed = ids(await allResults(hub, all));
    expect([listed.length, new Set(listed).size]).toEqual([2_000, 2_000]);
  });

  it('finds the modules that differ, by queries that most modules match and by queries that few match', async () => {
    const { generated, hub } = newHub(1_000);
    generated.changeModules(3, { mode: 'Off' });
    const changed = [0, 333, 666].map(GeneratedHub.deviceId);
    expect(ids(await allResults(hub, `${all} WHERE properties.desired.mode != 'High'`))).toEqual(changed);
    expect(await allResults(hub, `${all} WHERE properties.desired.mode = 'High'`)).toHaveLength(997);
    expect(ids(await allResults(hub, `${all} WHERE deviceId = '${changed[1]}'`))).toEqual([changed[1]]);
    const count = 'SELECT COUNT() AS n FROM devices.modules WHERE tags.group =';
    expect(await allResults(hub, `${count} 'a'`)).toEqual([{ n: 1_000 }]);
    expect(await allResults(hub, `${count} 'b'`)).toEqual([{ n: 0 }]);
  });

  it('keeps what was repaired and created', async () => {
    const { generated, hub } = newHub(100);
    generated.changeModules(10, { mode: 'Off' });
    generated.deleteModules(1);
    const [gone, changed] = [0, 10].map(GeneratedHub.deviceId) as [string, string];
    expect(await hub.readTwin(gone, 'Agent')).toMatchObject({ problem: { type: 'gone' } });
    await hub.createModules([{ deviceId: gone, moduleId: 'Agent', desired: baseline, tags: {} }]);
    await hub.patchDesired(changed, 'Agent', '*', { mode: 'High' });
    expect(answered(await hub.readTwin(changed, 'Agent')).desired.properties).toMatchObject({ mode: 'High' });
    expect([generated.missing, generated.changed]).toEqual([0, 9]);
  });

  it('counts operations by entries of bulk calls, and messages of 4 KB', async () => {
    const { generated, hub } = newHub(1_000);
    await hub.createModules(
      Array.from({ length: 250 }, (_, index) => ({
        ...{ deviceId: GeneratedHub.deviceId(index), moduleId: 'Agent', desired: baseline, tags: {} },
      })),
    );
    expect(generated.cost).toEqual({ calls: 3, operations: 250, messages: 0 });
    const page = answered(await hub.queryPage(all));
    expect(generated.cost.messages).toBe(Math.ceil(JSON.stringify(page.items).length / 4096));
  });
});
