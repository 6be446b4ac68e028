import { type Twin as HubTwin, newTwin, patchTwin, renderTwin } from '../../../infra/local/hub/twin.ts';
import { decodeEvent, type HubEvent } from '../../../shared/events/index.ts';
import type { PolicySet } from '../../../shared/policy/index.ts';
import { type Action, type ObservedTwin, plan } from '../../../shared/reconcile/index.ts';
import { fc, hubTwins, rawEvent, readTwin } from '../../support/arbitraries.ts';

export const deviceId = 'device';
const device = { deviceId, tags: {}, edge: false };
const write = { version: 1, at: '2026-01-01T00:00:00.0000000Z', exact: true };
export const later = Date.parse('2026-02-03T04:05:06Z');

/** The modules of one device, by module id, in the format of the local hub. A missing module is `undefined`. */
export type DeviceModules = Readonly<Record<string, HubTwin | undefined>>;

export const deviceModules: fc.Arbitrary<DeviceModules> = fc.record({
  A: fc.option(hubTwins, { nil: undefined }),
  B: fc.option(hubTwins, { nil: undefined }),
});

/** Makes the plan for a device with these modules. */
export function planFor(policies: PolicySet, modules: DeviceModules) {
  const twins = Object.entries(modules).map(
    ([moduleId, twin]): ObservedTwin =>
      twin === undefined ? { moduleId, missing: true, write } : { moduleId, twin: readTwin(twin, deviceId, moduleId) },
  );
  return plan(policies.all, { device, twins });
}

/** Carries out the actions of a plan as the hub does. Returns the modules after the actions, and the events that the hub sends. */
export function carryOut(modules: DeviceModules, actions: readonly Action[]) {
  const after: Record<string, HubTwin | undefined> = { ...modules };
  const events: HubEvent[] = [];
  for (const action of actions) {
    const { moduleId } = action;
    const twin = modules[moduleId];
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
  return { modules: after, events };
}

/** Decodes a raw event. Throws when the event cannot be decoded to a device event. */
export function decoded(raw: Parameters<typeof decodeEvent>[0]): HubEvent {
  const event = decodeEvent(raw);
  if (!('deviceId' in event)) throw new Error(event.reason);
  return event;
}
