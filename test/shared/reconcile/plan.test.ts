import { describe, expect, it } from 'vitest';
import { type Twin as HubTwin, newTwin, patchTwin, readSection, renderTwin } from '../../../infra/local/hub/twin.ts';
import { decodeEvent, type HubEvent } from '../../../shared/events/index.ts';
import {
  absent,
  definePolicy,
  exactly,
  type PolicyDefinition,
  type PolicySet,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import { type Action, type ObservedTwin, plan, workFromEvents } from '../../../shared/reconcile/index.ts';
import {
  isJsonObject,
  type Json,
  type JsonObject,
  limitFaults,
  mergePatch,
  overlaps,
  type Path,
  toTwin,
  twinSize,
} from '../../../shared/twin/index.ts';
import { anyJson, fc, hostileEvents, hubTwins, policySets, rawEvent, readTwin } from '../../support/arbitraries.ts';

const deviceId = 'device';
const device = { deviceId, tags: {}, edge: false };
const since = { version: 1, at: '2026-01-01T00:00:00.0000000Z', exact: true };
const later = Date.parse('2026-02-03T04:05:06Z');

/** A device as the local hub would keep it: a twin for each module, `undefined` where there is none. */
type Fleet = Readonly<Record<string, HubTwin | undefined>>;

const fleets: fc.Arbitrary<Fleet> = fc.record({
  A: fc.option(hubTwins, { nil: undefined }),
  B: fc.option(hubTwins, { nil: undefined }),
});

describe('a plan', () => {
  it('carried out leaves nothing more to do', () => {
    fc.assert(
      fc.property(policySets(), fleets, (policies, fleet) => {
        const after = carryOut(fleet, planFor(policies, fleet).actions).fleet;
        expect(planFor(policies, after).actions).toEqual([]);
      }),
      { numRuns: 250 },
    );
  });

  it('mends every departure of policies that enforce', () => {
    fc.assert(
      fc.property(policySets(), fleets, (policies, fleet) => {
        const after = carryOut(fleet, planFor(policies, fleet).actions).fleet;
        const left = planFor(policies, after).drifts.filter(({ mode }) => mode === 'enforce');
        expect(left).toEqual([]);
      }),
    );
  });

  it('leaves everything as it is that no enforcing policy owns', () => {
    fc.assert(
      fc.property(policySets(), fleets, (policies, fleet) => {
        const after = carryOut(fleet, planFor(policies, fleet).actions).fleet;
        for (const [moduleId, twin] of Object.entries(fleet)) {
          if (twin === undefined) continue;
          const owned = policies
            .forModule(moduleId)
            .filter(({ mode }) => mode === 'enforce')
            .flatMap((policy) => policy.owned.map(({ path }) => path));
          const now = after[moduleId];
          if (now === undefined) throw new Error('a module went away');
          expect(unowned(now.desired.values, owned)).toEqual(unowned(twin.desired.values, owned));
          expect(now.tags).toEqual(twin.tags);
        }
      }),
      { numRuns: 250 },
    );
  });

  it('is the same whenever it is made, and changes nothing that it is given', () => {
    fc.assert(
      fc.property(policySets(), fleets, (policies, fleet) => {
        const before = JSON.stringify(fleet);
        expect(planFor(policies, fleet)).toEqual(planFor(policies, fleet));
        expect(JSON.stringify(fleet)).toBe(before);
      }),
    );
  });

  it('changes at most one thing for each module, and nothing that only audits ask for', () => {
    fc.assert(
      fc.property(policySets(), fleets, (policies, fleet) => {
        const { actions } = planFor(policies, fleet);
        expect(new Set(actions.map(({ moduleId }) => moduleId)).size).toBe(actions.length);
        for (const { mends } of actions) {
          expect(mends.length).toBeGreaterThan(0);
          expect(mends.every(({ mode }) => mode === 'enforce')).toBe(true);
        }
      }),
    );
  });

  it('stays within what a twin can hold', () => {
    fc.assert(
      fc.property(policySets(), fleets, (policies, fleet) => {
        for (const action of planFor(policies, fleet).actions) {
          const content = action.type === 'createModule' ? action.desired : action.patch;
          // The local hub refuses what a twin cannot hold; nulls are for it what they are: removals.
          readSection('properties.desired', content);
          const faults = limitFaults(content).filter(({ message }) => !message.startsWith('null'));
          expect(faults).toEqual([]);
        }
      }),
    );
  });

  it('never makes a twin larger than it may be, and says so where it cannot mend for want of room', () => {
    const policies = toPolicySet(
      [
        definePolicy({
          name: 'large',
          module: 'A',
          desired: { a: 'x'.repeat(4000), b: 'y'.repeat(4000), c: 'z'.repeat(4000), legacy: absent() },
        }),
      ],
      { mode: 'enforce' },
    );
    const strings = fc.array(fc.integer({ min: 0, max: 4096 }), { minLength: 6, maxLength: 9 });
    fc.assert(
      fc.property(strings, fc.boolean(), (lengths, legacy) => {
        const fillers = lengths.map((length, index) => [`f${index}`, 'f'.repeat(length)] as const);
        const desired: JsonObject = { ...Object.fromEntries(fillers), ...(legacy ? { legacy: 'l'.repeat(4000) } : {}) };
        fc.pre(twinSize(desired) <= 32_768);
        const { drifts, actions } = planFor(policies, { A: newTwin({ desired }, later) });
        const [action] = actions;
        const before = twinSize(desired);
        if (action?.type === 'patchDesired') {
          expect(twinSize(mergePatch(desired, action.patch))).toBeLessThanOrEqual(Math.max(before, 32_768));
        } else {
          expect(before + 3 * 4001 - (legacy ? 4006 : 0)).toBeGreaterThan(32_768);
          for (const drift of drifts) expect(drift.message).toMatch(/cannot be mended.*32768/);
        }
      }),
    );
  });

  it('does not create a module whose policies together ask for more than a twin takes', () => {
    const half = (name: string, letter: string): PolicyDefinition => ({
      name,
      module: 'A',
      createModule: true,
      desired: Object.fromEntries(Array.from({ length: 5 }, (_, n) => [`${letter}${n}`, letter.repeat(4000)])),
    });
    const policies = toPolicySet([half('one', 'a'), half('two', 'b')], { mode: 'enforce' });
    const { drifts, actions } = planFor(policies, { A: undefined });
    expect(actions.length).toBe(0);
    expect(drifts).toMatchObject([
      { policy: 'one', kind: 'missingModule', message: expect.stringContaining('32768') },
      { policy: 'two', kind: 'missingModule', message: expect.stringContaining('32768') },
    ]);
  });

  it('makes a new module that suits every policy about it', () => {
    const policies = toPolicySet(
      [
        { name: 'one', module: 'A', createModule: true, moduleTags: { t: 1 }, desired: { a: 1, s: { x: true } } },
        { name: 'two', module: 'A', moduleTags: { u: 2 }, desired: { b: 2, s: { y: false } } },
        { name: 'three', module: 'A', mode: 'audit', desired: { c: 3 } },
      ],
      { mode: 'enforce' },
    );
    expect(planFor(policies, { A: undefined }).actions).toMatchObject([
      { type: 'createModule', desired: { a: 1, b: 2, s: { x: true, y: false } }, tags: { t: 1, u: 2 } },
    ]);
  });

  it('takes a key called __proto__ for a property, in policy and twin alike', () => {
    const desired = JSON.parse('{"__proto__":{"polluted":1},"constructor":"c"}') as PolicyDefinition['desired'];
    const policies = toPolicySet([{ name: 'odd', module: 'A', ...(desired === undefined ? {} : { desired }) }], {
      mode: 'enforce',
    });
    const after = carryOut({ A: newTwin({}, 1) }, planFor(policies, { A: newTwin({}, 1) }).actions).fleet;
    expect(JSON.stringify(after.A?.desired.values)).toBe('{"__proto__":{"polluted":1},"constructor":"c"}');
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('a custom evaluate that is never content', () => {
  const counter = definePolicy({
    name: 'counter',
    module: 'm',
    desired: { mode: 'High' },
    evaluate: (twin) => [{ path: 'count', expected: Number(twin.desired.properties.count ?? 0) + 1 }],
  });

  it('changes nothing and is a policy error; what its rules say is mended all the same', () => {
    const { all } = toPolicySet([counter], { mode: 'enforce' });
    const twin = toTwin({ etag: 'e', properties: { desired: { mode: 'Low', count: 1 } } }, 'd', 'm');
    if (twin === undefined) throw new Error('no twin');
    const device = { deviceId: 'd', tags: {}, edge: false };
    const { drifts, actions } = plan(all, { device, twins: [{ moduleId: 'm', twin }] });
    expect(drifts.map(({ kind }) => kind)).toEqual(['wrongValue', 'policyError']);
    expect(actions).toMatchObject([{ patch: { mode: 'High' } }]);
  });
});

describe('a value in the place of a section', () => {
  it('is told in the history of each property that it keeps out', () => {
    const { all } = toPolicySet([{ name: 'p', module: 'm', desired: { s: { a: 1, b: 2 } } }], { mode: 'enforce' });
    const twin = toTwin({ etag: 'e', properties: { desired: { s: 'mine' } } }, 'd', 'm');
    if (twin === undefined) throw new Error('no twin');
    const { drifts } = plan(all, {
      device: { deviceId: 'd', tags: {}, edge: false },
      twins: [{ moduleId: 'm', twin }],
    });
    expect(drifts).toMatchObject([
      { path: 's.a', kind: 'missingProperty', message: 's holds "mine" instead of a section' },
      { path: 's.b', kind: 'missingProperty', message: 's holds "mine" instead of a section' },
    ]);
  });
});

describe('the event of our own write', () => {
  const noObjects = policySets({ objects: false, mode: 'enforce' });

  it('asks for no look at the hub and shows no departure', () => {
    fc.assert(
      fc.property(noObjects, fleets, (policies, fleet) => {
        const { events } = carryOut(fleet, planFor(policies, fleet).actions);
        const work = workFromEvents(policies, deviceId, events);
        for (const module of work.modules.values()) {
          expect(module).toMatchObject({ look: false, evidence: [], missing: [] });
        }
      }),
      { numRuns: 250 },
    );
  });

  it('about values that are objects may ask for a look, which then finds nothing to do', () => {
    fc.assert(
      fc.property(policySets({ mode: 'enforce' }), fleets, (policies, fleet) => {
        const { fleet: after, events } = carryOut(fleet, planFor(policies, fleet).actions);
        for (const module of workFromEvents(policies, deviceId, events).modules.values()) {
          expect(module.missing).toEqual([]);
          expect(module.evidence.filter(({ ended }) => ended === undefined)).toEqual([]);
        }
        expect(planFor(policies, after).drifts).toEqual([]);
      }),
    );
  });
});

describe('events', () => {
  it('show what breaks a rule exactly where the twin does, when the twin kept to the rules before', () => {
    fc.assert(
      fc.property(
        policySets({ objects: false }),
        hubTwins,
        fc.array(anyPatch(), { maxLength: 3 }),
        (policies, twin, patches) => {
          // First in line, as far as the policies go.
          const enforcing = enforced(policies);
          let now = carryOut({ A: twin }, planFor(enforcing, { A: twin }).actions).fleet.A;
          if (now === undefined) throw new Error('a module went away');
          const events: HubEvent[] = [];
          for (const desired of patches) {
            const patched = patchTwin(now, { desired }, later);
            now = patched.twin;
            events.push(decoded(rawEvent('updateTwin', patched.change, deviceId, 'A')));
          }
          const broken = planFor(enforcing, { A: now }).drifts;
          const shown = workFromEvents(enforcing, deviceId, events).modules.get('A')?.evidence ?? [];
          const last = shown.filter(({ ended }) => ended === undefined).map(({ departure }) => departure);
          const place = (departure: { policy: string; path: string; kind: string }) =>
            `${departure.policy} ${departure.path} ${departure.kind}`;
          expect(new Set(last.map(place))).toEqual(new Set(broken.map(place)));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('of any content, in any order, are folded into work without a throw and without a polluted prototype', () => {
    fc.assert(
      fc.property(policySets(), fc.array(hostileEvents, { maxLength: 5 }), (policies, events) => {
        const usable = events.map(decodeEvent).filter((event): event is HubEvent => 'deviceId' in event);
        const work = workFromEvents(policies, deviceId, usable);
        for (const module of work.modules.values()) {
          for (const { departure } of module.evidence) expect(typeof departure.write.at).toBe('string');
        }
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it('about what no policy owns leave no work', () => {
    const policies = toPolicySet([{ name: 'p', module: 'A', desired: { owned: exactly(1), s: { owned: 2 } } }], {
      mode: 'enforce',
    });
    fc.assert(
      fc.property(anyJson, anyJson, (value, other) => {
        const body = {
          version: 3,
          properties: { desired: { foreign: value, s: { foreign: other } }, reported: { owned: value } },
        };
        const events = ['A', 'B', ''].map((moduleId) => decoded(rawEvent('updateTwin', body, deviceId, moduleId)));
        expect(workFromEvents(policies, deviceId, events)).toEqual({ deviceId, modules: new Map() });
      }),
    );
  });
});

function anyPatch() {
  return fc.oneof(
    hubTwins.map((twin) => twin.desired.values),
    fc.dictionary(
      fc.constantFrom('a', 'b', 'c'),
      fc.constantFrom<Json>(null, 0, 'High', { a: 1 }, { b: { c: null } }),
      {
        maxKeys: 2,
      },
    ),
  );
}

function enforced(policies: PolicySet): PolicySet {
  const about = policies.all
    .filter(({ module }) => module === 'A')
    .map((policy) => ({ ...policy, mode: 'enforce' as const }));
  return {
    ...policies,
    all: about,
    forModule: (moduleId) => about.filter(({ module }) => module === moduleId),
    ownersOf: (moduleId, key) =>
      about
        .filter(({ module }) => module === moduleId)
        .flatMap((policy) =>
          policy.owned.filter(({ path }) => path[0] === key).map((property) => ({ policy, property })),
        ),
  };
}

function planFor(policies: PolicySet, fleet: Fleet) {
  const twins = Object.entries(fleet).map(
    ([moduleId, twin]): ObservedTwin =>
      twin === undefined
        ? { moduleId, missing: true, write: since }
        : { moduleId, twin: readTwin(twin, deviceId, moduleId) },
  );
  return plan(policies.all, { device, twins });
}

/** Does what the hub would do, and gives back what it would tell of it. */
function carryOut(fleet: Fleet, actions: readonly Action[]) {
  const after: Record<string, HubTwin | undefined> = { ...fleet };
  const events: HubEvent[] = [];
  for (const action of actions) {
    const { moduleId } = action;
    const twin = fleet[moduleId];
    if (action.type === 'createModule') {
      const created = newTwin({ desired: action.desired, tags: action.tags }, later);
      after[moduleId] = created;
      events.push(
        decoded(rawEvent('createDeviceIdentity', renderTwin(created), deviceId, moduleId, 'deviceLifecycleEvents')),
      );
    } else if (twin !== undefined) {
      const patched = patchTwin(twin, { desired: action.patch }, later);
      after[moduleId] = patched.twin;
      events.push(decoded(rawEvent('updateTwin', patched.change, deviceId, moduleId)));
    }
  }
  return { fleet: after, events };
}

function decoded(raw: Parameters<typeof decodeEvent>[0]): HubEvent {
  const event = decodeEvent(raw);
  if (!('deviceId' in event)) throw new Error(event.reason);
  return event;
}

/** All leaves, dotted, that lie on no owned path, above none and below none. */
function unowned(root: JsonObject, owned: readonly Path[]): Readonly<Record<string, Json>> {
  const leaves: [string, Json][] = [];
  const visit = (value: Json, path: Path): void => {
    if (owned.some((other) => overlaps(other, path) && other.length <= path.length)) return;
    if (isJsonObject(value) && Object.keys(value).length > 0) {
      for (const [key, inner] of Object.entries(value)) visit(inner, [...path, key]);
    } else if (!owned.some((other) => overlaps(other, path))) leaves.push([path.join('.'), value]);
  };
  visit(root, []);
  return Object.fromEntries(leaves);
}
