import { describe, expect, it } from 'vitest';
import type { RawEvent } from '../../../shared/events/index.ts';
import { absent, toPolicySet } from '../../../shared/policy/index.ts';
import { workFromEvents } from '../../../shared/reconcile/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { rawEvent } from '../../support/arbitraries.ts';
import { decoded } from './device-modules.ts';
import { agent, newWorld } from './memory-world.ts';

const stamp = { $lastUpdated: '2026-02-03T04:05:06.0000000Z', $lastUpdatedVersion: 3 };
const policies = toPolicySet(
  [{ name: 'agent', module: 'm', desired: { mode: 'High', s: { x: true, y: 1 }, legacy: absent() } }],
  { mode: 'enforce' },
);

/**
 * The work that one event of module `m` causes. The event has these desired properties. Its `$metadata` has the fields of the write and the
 * entries in `metadata`.
 */
function workOf(desired: JsonObject, metadata: JsonObject, opType = 'updateTwin') {
  const section = { ...desired, $metadata: { ...stamp, ...metadata }, $version: 3 };
  const body = { deviceId: 'd', moduleId: 'm', version: 4, properties: { desired: section } };
  const work = workFromEvents(policies, 'd', [decoded(rawEvent(opType, body, 'd', 'm'))]);
  const module = work.modules.get('m');
  return {
    evidence: module?.evidence.map(({ departure: { path, write } }) => [path, write.version]) ?? [],
    mustRead: module?.mustRead ?? false,
    mayEndOpenRows: module?.mayEndOpenRows ?? false,
    hasEventRef: work.eventRef !== undefined,
  };
}

describe('an event of a configuration of the hub', () => {
  it('is no evidence for a property without metadata beside properties with metadata', () => {
    expect(workOf({ mode: 'Off', Note: 'x' }, { Note: stamp })).toEqual({
      evidence: [],
      mustRead: true,
      mayEndOpenRows: false,
      hasEventRef: false,
    });
  });

  it('is no evidence at any depth', () => {
    expect(workOf({ s: { x: false, y: 2 } }, { s: { ...stamp, y: stamp } })).toMatchObject({
      evidence: [['s.y', 3]],
      mustRead: true,
    });
    expect(workOf({ s: { x: false, y: 2 }, Note: 'x' }, { Note: stamp })).toMatchObject({
      evidence: [],
      mustRead: true,
    });
    expect(workOf({ s: 'text', Note: 'x' }, { Note: stamp })).toMatchObject({ evidence: [], mustRead: true });
  });

  it('is evidence for a property that it wrote', () => {
    expect(workOf({ mode: 'Off', Note: 'x' }, { mode: stamp })).toEqual({
      evidence: [['mode', 3]],
      mustRead: false,
      mayEndOpenRows: false,
      hasEventRef: true,
    });
  });

  it('is evidence for a property that it removed, which never has metadata', () => {
    expect(workOf({ mode: null, s: { x: null }, Note: 'x' }, { Note: stamp })).toMatchObject({
      evidence: [
        ['mode', 3],
        ['s.x', 3],
      ],
      mustRead: false,
    });
  });

  it('needs no read when the properties that it did not write are compliant', () => {
    expect(workOf({ mode: 'High', s: { x: true, y: 1 }, Note: 'x' }, { Note: stamp })).toMatchObject({
      evidence: [],
      mustRead: false,
      mayEndOpenRows: true,
    });
  });

  it('does not end a departure with a compliant value that it did not write', () => {
    const wrong = { mode: 'Off', $metadata: { ...stamp, mode: stamp }, $version: 3 };
    const whole = { mode: 'High', Note: 'x', $metadata: { ...stamp, Note: stamp }, $version: 4 };
    const events = [wrong, whole].map((desired) =>
      decoded(rawEvent('updateTwin', { version: 4, properties: { desired } }, 'd', 'm')),
    );
    const evidence = workFromEvents(policies, 'd', events).modules.get('m')?.evidence;
    expect(evidence).toHaveLength(1);
    expect(evidence?.[0]).not.toHaveProperty('ended');
  });

  it.each(['updateTwin', 'replaceTwin'])(
    'has evidence in an event %s whose properties all have metadata, or none',
    (opType) => {
      const desired = { mode: 'Off', s: { x: true, y: 1 } };
      const all = { mode: stamp, s: { ...stamp, x: stamp, y: stamp } };
      expect(workOf(desired, all, opType)).toMatchObject({ evidence: [['mode', 3]], mustRead: false });
      expect(workOf(desired, {}, opType)).toMatchObject({ evidence: [['mode', 3]], mustRead: false });
    },
  );

  it('is no evidence for a property without metadata in a replaced twin either', () => {
    expect(workOf({ mode: 'Off', s: { x: true, y: 2 } }, { s: { ...stamp, y: stamp } }, 'replaceTwin')).toMatchObject({
      evidence: [['s.y', 3]],
      mustRead: true,
    });
  });
});

describe('a departure that is on record', () => {
  it('gets no second row from the event of a configuration that wrote another property', async () => {
    const world = newWorld([{ ...agent, mode: 'audit' }]);
    const module = { deviceId: 'd', moduleId: 'm' };
    world.registry.create({ deviceId: 'd' }, {});
    world.registry.create(module, {}, { desired: { mode: 'High', s: { x: true } } });
    world.registry.patchTwin(module, { desired: { mode: 'Off' } }, '*');
    await world.processor.process(world.newEvents());
    const before = await world.history('d');
    expect(before.filter(({ path }) => path === 'mode')).toHaveLength(1);

    world.registry.patchTwin(module, { desired: { Note: 'x' } }, '*');
    const [event] = world.newEvents();
    if (event === undefined) throw new Error('The hub sent no event.');
    await world.processor.process([wholeSection(event, { mode: 'Off', s: { x: true } })]);
    expect(await world.history('d')).toEqual(before);
  });
});

/** Adds desired properties to an event, without metadata for them. The event of an automatic configuration has this form. */
function wholeSection(event: RawEvent, unwritten: JsonObject): RawEvent {
  const body = event.body as { readonly properties: { readonly desired: JsonObject } };
  return { ...event, body: { ...body, properties: { desired: { ...unwritten, ...body.properties.desired } } } };
}
