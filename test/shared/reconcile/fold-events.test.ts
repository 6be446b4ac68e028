import { describe, expect, it } from 'vitest';
import { patchTwin } from '../../../infra/local/hub/twin.ts';
import type { Departure } from '../../../shared/drift/index.ts';
import { decodeEvent, type HubEvent } from '../../../shared/events/index.ts';
import { exactly, type PolicySet, toPolicySet } from '../../../shared/policy/index.ts';
import { workFromEvents } from '../../../shared/reconcile/index.ts';
import { requiredProperties } from '../../../shared/reconcile/missing-baseline.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { anyJson, fc, hostileEvents, hubTwins, policySets, rawEvent } from '../../support/arbitraries.ts';
import { carryOut, decoded, deviceId, deviceModules, later, planFor } from './device-modules.ts';

describe('the event of an own write', () => {
  const noObjects = policySets({ objects: false, mode: 'enforce' });

  it('causes no read and shows no departure', () => {
    fc.assert(
      fc.property(noObjects, deviceModules, (policies, modules) => {
        const { events } = carryOut(modules, planFor(policies, modules).actions);
        const work = workFromEvents(policies, deviceId, events);
        for (const module of work.modules.values()) {
          expect(module).toMatchObject({ mustRead: false, evidence: [], missing: [] });
        }
      }),
      { numRuns: 250 },
    );
  });

  it('may cause a read when values are objects, and the read finds no departure', () => {
    fc.assert(
      fc.property(policySets({ mode: 'enforce' }), deviceModules, (policies, modules) => {
        const { modules: after, events } = carryOut(modules, planFor(policies, modules).actions);
        for (const module of workFromEvents(policies, deviceId, events).modules.values()) {
          expect(module.missing).toEqual([]);
          expect(module.evidence.filter(({ ended }) => ended === undefined)).toEqual([]);
        }
        expect(planFor(policies, after).drifts).toEqual([]);
      }),
    );
  });
});

describe('the events of a device', () => {
  it('show the same broken rules as the twin, when the twin was compliant before', () => {
    fc.assert(
      fc.property(
        policySets({ objects: false }),
        hubTwins,
        fc.array(anyPatch(), { maxLength: 3 }),
        (policies, twin, patches) => {
          // The plan's actions first make the twin compliant.
          const enforcing = enforced(policies);
          let now = carryOut({ A: twin }, planFor(enforcing, { A: twin }).actions).modules.A;
          if (now === undefined) throw new Error('a module is missing');
          const events: HubEvent[] = [];
          for (const desired of patches) {
            const patched = patchTwin(now, { desired }, later);
            now = patched.twin;
            events.push(decoded(rawEvent('updateTwin', patched.change, deviceId, 'A')));
          }
          const broken = planFor(enforcing, { A: now }).drifts;
          const shown = workFromEvents(enforcing, deviceId, events).modules.get('A')?.evidence ?? [];
          const last = shown.filter(({ ended }) => ended === undefined).map(({ departure }) => departure);
          // A missing baseline is the same as all its required properties missing: separate writes may have removed them.
          const keys = ({ policy, path, kind }: Departure) =>
            kind === 'missingBaseline'
              ? requiredProperties(policyNamed(policy)).map(({ text }) => `${policy} ${text} missingProperty`)
              : [`${policy} ${path} ${kind}`];
          const policyNamed = (name: string) =>
            enforcing.all.find((policy) => policy.name === name) ?? expect.unreachable(name);
          // After an event removed a whole baseline, events that bring back a part of it do not show the rest. The rest is found in the twin.
          const emptied = new Set(
            shown.flatMap(({ departure: { kind, policy } }) => (kind === 'missingBaseline' ? policy : [])),
          );
          const keysOf = (departures: readonly Departure[]) =>
            new Set(
              departures.filter(({ policy, kind }) => kind !== 'missingProperty' || !emptied.has(policy)).flatMap(keys),
            );
          expect(keysOf(last)).toEqual(keysOf(broken));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('can have any content and order without an error or a polluted prototype', () => {
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

  it('cause no work when no policy owns the properties', () => {
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

/** The policies of module A, each changed to the mode `enforce`. */
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
