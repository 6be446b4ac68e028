import type { Clock } from '../../../shared/clock.ts';
import type { Departure, DriftRow, Outcome } from '../../../shared/drift/index.ts';
import { driftKey } from '../../../shared/drift/index.ts';
import type { CompetingSetting, GuardStore, Review, TwinIds } from '../../../shared/guards/index.ts';
import { type JsonObject, type Twin, toTwin } from '../../../shared/twin/index.ts';

export const minute = 60_000;

/** Creates a clock that moves only when the test calls `advance`. */
export function manualClock(start = Date.UTC(2026, 0, 1)) {
  let now = start;
  const clock: Clock = { now: () => new Date(now), sleep: async () => {} };
  return {
    clock,
    advance(milliseconds: number) {
      now += milliseconds;
    },
  };
}

/** A departure from an enforcing policy: the property at `path` has a wrong value. */
export function departure(path: string, more: Partial<Departure> = {}): Departure {
  return {
    deviceId: 'device',
    moduleId: 'M',
    policy: 'p',
    path,
    kind: 'wrongValue',
    expected: 1,
    actual: 2,
    write: { version: 1, at: '2026-01-01T00:00:00Z', exact: true },
    mode: 'enforce',
    ...more,
  };
}

/** The history row of a departure. `at` is the time of detection and of the outcome, in milliseconds since 1970. */
export function row(of: Departure, outcome: Outcome, at: number): DriftRow {
  const time = new Date(at).toISOString();
  return { ...of, v: 2, hub: 'hub', rowKey: driftKey(of), detectedAt: time, source: 'event', outcome, outcomeAt: time };
}

/** A twin with these desired properties. `more` holds more fields of the twin, such as tags or reported properties. */
export function twin(desired: JsonObject, more: JsonObject = {}, moduleId = 'M', deviceId = 'device'): Twin {
  const { reported = {}, ...rest } = more;
  const made = toTwin({ etag: 'e', version: 1, properties: { desired, reported }, ...rest }, deviceId, moduleId);
  if (made === undefined) throw new Error('The JSON is not a twin.');
  return made;
}

/** The argument of `Guard.review` for these departures. By default, module `M` has an empty twin, and the history has no rows. */
export function review(departures: readonly Departure[], more: Partial<Review> = {}): Review {
  return { departures, twins: new Map([['M', twin({})]]), rows: [], ...more };
}

/** A guard store in memory. It grants `room` twins to each policy, records the reservations, and counts the reads. */
export function memoryStore(room = 0) {
  const reservations: { policy: string; twin: TwinIds; limit: number }[] = [];
  const granted = new Map<string, number>();
  const hasRoom = (policy: string) => (granted.get(policy) ?? 0) < (state.roomOf.get(policy) ?? state.room);
  const reads = { deviceCount: 0, competing: 0, releasedAt: 0 };
  const state = {
    /** Number of twins that a policy without an entry in `roomOf` may change in total. */
    room,
    roomOf: new Map<string, number>(),
    devices: undefined as number | undefined,
    released: undefined as Date | undefined,
    competing: [] as readonly CompetingSetting[],
    configurationsReadAt: undefined as Date | undefined,
    broken: false,
  };
  const check = () => {
    if (state.broken) throw new Error('storage does not answer');
  };
  const store: GuardStore = {
    async reserveTwin(policy, twin, limit) {
      check();
      reservations.push({ policy, twin, limit });
      if (!hasRoom(policy)) return false;
      granted.set(policy, (granted.get(policy) ?? 0) + 1);
      return true;
    },
    async hasRoomFor(policy) {
      check();
      return hasRoom(policy);
    },
    async roomFor(policy) {
      check();
      return Math.max(0, (state.roomOf.get(policy) ?? state.room) - (granted.get(policy) ?? 0));
    },
    async removeExpired() {
      throw new Error('Guards do not remove old twins.');
    },
    async release() {
      throw new Error('Guards do not release policies.');
    },
    async releasedAt() {
      reads.releasedAt++;
      check();
      return state.released;
    },
    async releasedUntil() {
      throw new Error('Guards do not ask for the end of a release.');
    },
    async putDeviceCount() {},
    async putFleetCount() {},
    async fleetCount() {
      throw new Error('Guards do not ask for the devices of all policies.');
    },
    async deviceCount() {
      reads.deviceCount++;
      check();
      return state.devices;
    },
    async putCompeting() {},
    async competing() {
      reads.competing++;
      check();
      return state.competing;
    },
    async configurationsReadAt() {
      check();
      return state.configurationsReadAt;
    },
  };
  return { store, state, reservations, reads };
}
