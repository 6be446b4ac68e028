import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Answer, Hub, QueryPage } from '../../../shared/hub/index.ts';
import { definePolicy } from '../../../shared/policy/index.ts';
import { agentPolicy, compliant, wrongMode } from '../../support/agent-policy.ts';
import { atQueries, inPagesOf, intercepted } from '../../support/disturbed-hub.ts';
import { type SweepWorld, startSweepWorld } from '../../support/sweep-world.ts';
import { newDeviceId } from '../../support/world.ts';

let world: SweepWorld;
beforeAll(async () => {
  world = await startSweepWorld();
});
afterAll(() => world.close());
beforeEach(() => world.clear());

describe('a sweep of a hub', () => {
  const refusal: Answer<QueryPage> = {
    ok: false,
    problem: { type: 'refused', status: 400, message: '400 no such word' },
  };

  it('that refuses the query for a policy walks the twins instead, and records why', async () => {
    const [broken, fine] = [newDeviceId('refused'), newDeviceId('refused')];
    world.add(broken, { Agent: wrongMode });
    world.add(fine, { Agent: compliant });
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes('IS_STRING'),
        () => refusal,
      );
    const row = await world.newInstance([agentPolicy], { throughHub }).sweep();
    expect(row).toMatchObject({ state: 'done', found: 1, changed: 1 });
    expect(row.walked).toEqual([expect.stringMatching(/agent.*no such word/)]);
    expect(await world.briefHistory(broken)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('that refuses a scope in its queries finds missing modules all the same', async () => {
    const [inside, outside] = [newDeviceId('in'), newDeviceId('out')];
    world.add(inside, {}, { tags: { plant: 1 } });
    world.add(outside, {}, { tags: { plant: 2 } });
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes('tags.plant'),
        () => refusal,
      );
    const row = await world
      .newInstance([{ ...agentPolicy, appliesTo: { tags: { plant: 1 } } }], { throughHub })
      .sweep();
    expect(row).toMatchObject({ state: 'done', changed: 1 });
    expect(world.modulesOf(inside)).toEqual(['Agent']);
    expect(world.modulesOf(outside)).toEqual([]);
  });

  it('that refuses all queries for one policy still covers the other policies', async () => {
    const other = definePolicy({ name: 'other', module: 'Other', desired: { a: 1 } });
    const deviceId = newDeviceId('refused');
    world.add(deviceId, { Agent: compliant, Other: { a: 2 } });
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        (query) => query.includes("'Agent'"),
        () => refusal,
      );
    const instance = world.newInstance([agentPolicy, other], { throughHub });
    const row = await instance.sweep();
    expect(row).toMatchObject({ state: 'done', changed: 1 });
    expect(row.walked.join()).toContain('agent');
    expect(instance.logged.filter(({ level }) => level === 'error')).not.toEqual([]);
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'a', 'enforced']]);
  });

  it('that refuses an expired continuation token reads the query from its first page again', async () => {
    const devices = Array.from({ length: 5 }, () => newDeviceId('expired'));
    for (const deviceId of devices) world.add(deviceId, { Agent: wrongMode });
    let refused = 0;
    const throughHub = (hub: Hub) =>
      atQueries(
        inPagesOf(2, hub),
        (_, continuation) => continuation === '4' && refused++ === 0,
        () => refusal,
      );
    const instance = world.newInstance([agentPolicy], { throughHub });
    await instance.run();
    expect(instance.workItems().flatMap((item) => item.devices)).toEqual(devices);
  });

  it('that throttles it pauses for as long as the hub says, and then resumes', async () => {
    const deviceId = newDeviceId('throttled');
    world.add(deviceId, { Agent: wrongMode });
    let throttled = 0;
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        () => throttled++ === 1,
        () => ({ ok: false, problem: { type: 'throttled', message: '429', retryAfter: 42_000 } }),
      );
    const instance = world.newInstance([agentPolicy], { throughHub });
    expect(await instance.run()).toMatchObject({ state: 'paused', reason: '429', delay: 42 });
    expect(instance.delays.at(-1)).toBe(42);
    await instance.work();
    expect(await instance.store.list(5)).toMatchObject([{ state: 'done', resumed: 1, changed: 1 }]);
    expect(await world.briefHistory(deviceId)).toEqual([['wrongValue', 'mode', 'enforced']]);
  });

  it('for which no messages are left today says so, and puts one message in the queue however often the timer resumes it', async () => {
    const deviceId = newDeviceId('putoff');
    world.add(deviceId, { Agent: wrongMode });
    let isPutOff = true;
    const message = 'put off until 00:00 UTC, because the messages are used up';
    const problem = { type: 'throttled', message, waits: true, quota: 'share', retryAfter: 9 * 3_600_000 } as const;
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        () => isPutOff,
        () => ({ ok: false, problem }),
      );
    const instance = world.newInstance([agentPolicy], { throughHub });
    for (let run = 0; run < 4; run++) expect(await instance.run()).toMatchObject({ state: 'paused', reason: message });
    expect(instance.messages).toHaveLength(1);
    expect(await instance.store.list(5)).toMatchObject([{ state: 'running', warnings: [`The sweep was ${message}.`] }]);
    isPutOff = false;
    await instance.work();
    expect(await instance.store.list(5)).toMatchObject([{ state: 'done', changed: 1 }]);
  });

  it('that does not answer pauses', async () => {
    const throughHub = (hub: Hub) =>
      atQueries(
        hub,
        () => true,
        () => ({ ok: false, problem: { type: 'transient', message: 'no answer' } }),
      );
    const end = await world.newInstance([agentPolicy], { throughHub }).run();
    expect(end).toMatchObject({ state: 'paused' });
    expect('delay' in end && end.delay).toBeGreaterThan(0);
  });

  it('with competing configurations records them in the row and for the guards, and warns once', async () => {
    await world.operator.addConfiguration({
      id: 'winter-tuning',
      schemaVersion: '1.0',
      priority: 1,
      targetCondition: "FROM devices.modules WHERE moduleId = 'Agent'",
      content: { moduleContent: { 'properties.desired.mode': 'Off', 'properties.desired.timeout': 5000 } },
    } as never);
    await world.operator.addConfiguration({
      id: 'harmless',
      schemaVersion: '1.0',
      priority: 1,
      targetCondition: 'FROM devices.modules',
      content: { moduleContent: { 'properties.desired.mode': 'Low' } },
    } as never);
    const instance = world.newInstance([agentPolicy]);
    const row = await instance.sweep();
    expect(row.competing.length).toBeGreaterThan(0);
    for (const sentence of row.competing) expect(sentence).toContain('winter-tuning');
    expect(new Set(instance.competingConfigurations)).toEqual(new Set(['winter-tuning']));
    expect(instance.logged.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });

  it('that refuses to list its configurations covers the policies all the same', async () => {
    const instance = world.newInstance([agentPolicy], {
      throughHub: (hub) =>
        intercepted(hub, (call) =>
          call === 'listConfigurations'
            ? Promise.resolve({ ok: false, problem: { type: 'refused', status: 403, message: '403' } })
            : undefined,
        ),
    });
    expect(await instance.sweep()).toMatchObject({ state: 'done', competing: [] });
    expect(instance.logged.filter(({ level }) => level === 'warn')).toHaveLength(1);
  });
});
