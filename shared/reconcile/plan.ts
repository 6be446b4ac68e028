import type { Departure } from '../drift/index.ts';
import { baselineOf, type Device, describeThrown, type Policy } from '../policy/index.ts';
import {
  diffPatch,
  type Json,
  type JsonObject,
  mergePatch,
  parsePath,
  setAt,
  type Twin,
  twinLimits,
  twinSize,
  type Write,
} from '../twin/index.ts';
import { customDepartures, findDepartures, ownedPaths, policyError, sectionWrite } from './departures.ts';
import { notReported } from './not-reported.ts';

/** What was seen of one module of a device, or of the device's own twin. */
export type ObservedTwin =
  | { readonly moduleId: string; readonly twin: Twin }
  /** The module is not there; `since` is what is known of when it went, or when it should have come. */
  | { readonly moduleId: string; readonly missing: true; readonly write: Write };

/** What was seen of a device. Nothing is concluded about modules that were not looked at. */
export interface Observed {
  readonly device: Device;
  readonly twins: readonly ObservedTwin[];
  /** When the twins were read, ISO 8601. Without it, nothing is said of what agents did not take up in time. */
  readonly at?: string;
}

/** A change to the hub, and the departures it mends. */
export type Action =
  | {
      readonly type: 'createModule';
      readonly moduleId: string;
      readonly desired: JsonObject;
      readonly tags: JsonObject;
      readonly mends: readonly Departure[];
    }
  | {
      readonly type: 'patchDesired';
      readonly moduleId: string;
      readonly etag: string;
      readonly patch: JsonObject;
      readonly mends: readonly Departure[];
    };

export interface Plan {
  /** Everything that is out of line. Those that no action mends are only recorded. */
  readonly drifts: readonly Departure[];
  /** At most one for each module. */
  readonly actions: readonly Action[];
}

/**
 * Decides what is out of line on a device and what would mend it, from the policies and the twins as they are now and from nothing
 * else. Applying the actions and planning again gives no actions, and no action touches a path that no policy owns.
 */
export function plan(policies: readonly Policy[], { device, twins, at }: Observed): Plan {
  const drifts: Departure[] = [];
  const actions: Action[] = [];
  for (const observed of twins) {
    const candidates = policies.filter((policy) => policy.module === observed.moduleId);
    const { applicable, errors } = applying(candidates, device, observed);
    drifts.push(...errors);
    const part =
      'twin' in observed ? planTwin(applicable, observed.twin, at) : planMissing(applicable, device, observed);
    drifts.push(...part.drifts);
    actions.push(...part.actions);
  }
  return { drifts, actions };
}

/** The policies whose scope the device is in. A scope function that throws makes a `policyError` of its policy. */
function applying(policies: readonly Policy[], device: Device, observed: ObservedTwin) {
  const errors: Departure[] = [];
  const applicable = policies.filter((policy) => {
    try {
      return policy.scope.matches(device);
    } catch (error) {
      const write = 'twin' in observed ? sectionWrite(observed.twin) : observed.write;
      const message = `appliesTo threw ${describeThrown(error)}`;
      errors.push(policyError(policy, device.deviceId, observed.moduleId, write, message));
      return false;
    }
  });
  return { applicable, errors };
}

function planMissing(
  policies: readonly Policy[],
  { deviceId }: Device,
  { moduleId, write: since }: Extract<ObservedTwin, { missing: true }>,
): Plan {
  const drifts = policies
    .filter((policy) => policy.createModule)
    .map(
      (policy): Departure => ({
        deviceId,
        moduleId,
        policy: policy.name,
        path: '',
        kind: 'missingModule',
        expected: baselineOf(policy),
        actual: undefined,
        write: since,
        mode: policy.mode,
      }),
    );
  const mends = drifts.filter((drift) => drift.mode === 'enforce');
  if (mends.length === 0) return { drifts, actions: [] };
  // The new twin is made to suit every policy about it, or the first event about it would find the rest of them broken.
  const enforcing = policies.filter((policy) => policy.mode === 'enforce');
  const desired = enforcing.reduce<JsonObject>((merged, policy) => mergePatch(merged, baselineOf(policy)), {});
  const tags = enforcing.reduce<JsonObject>((merged, policy) => mergePatch(merged, policy.moduleTags), {});
  // Each policy by itself was checked when the app loaded; which of them meet on a device shows only here.
  for (const [name, content, limit] of [
    ['desired properties', desired, twinLimits.desiredBytes],
    ['tags', tags, twinLimits.tagsBytes],
  ] as const) {
    const size = twinSize(content);
    if (size <= limit) continue;
    const message = `cannot be created: the ${name} that its policies want come to ${size} bytes, and a twin takes ${limit}`;
    return { drifts: drifts.map((drift) => (mends.includes(drift) ? { ...drift, message } : drift)), actions: [] };
  }
  return { drifts, actions: [{ type: 'createModule', moduleId, desired, tags, mends }] };
}

function planTwin(policies: readonly Policy[], twin: Twin, at: string | undefined): Plan {
  const found = findDepartures(policies, twin);
  const unheeded = at === undefined ? [] : notReported(policies, twin, at);
  const drifts = [...withoutUnsettledFindings(policies, twin, found), ...unheeded];
  const { mends, patch } = toPatch(drifts);
  if (mends.length === 0) return { drifts, actions: [] };

  const { moduleId, etag, desired } = twin;
  const size = twinSize(mergePatch(desired.properties, patch));
  if (size > twinLimits.desiredBytes && size > twinSize(desired.properties)) {
    const message = `cannot be mended: the desired properties would come to ${size} bytes, and a twin takes ${twinLimits.desiredBytes}`;
    return { drifts: drifts.map((drift) => (mends.includes(drift) ? { ...drift, message } : drift)), actions: [] };
  }
  return { drifts, actions: [{ type: 'patchDesired', moduleId, etag, patch, mends }] };
}

/** One patch for all departures that are to be mended, and can be. */
export function toPatch(drifts: readonly Departure[]): {
  readonly mends: readonly Departure[];
  readonly patch: JsonObject;
} {
  const mends: Departure[] = [];
  let patch: JsonObject = {};
  for (const drift of drifts) {
    const change = drift.mode === 'enforce' ? mendingChange(drift) : undefined;
    if (change === undefined) continue;
    mends.push(drift);
    patch = setAt(patch, parsePath(drift.path), change);
  }
  return { mends, patch };
}

/**
 * The departures, with those of a custom `evaluate` left out that would ask for yet another change once it had its way: nothing it
 * asks for is done, or Twinkeeper would write for ever, and a `policyError` says so.
 */
function withoutUnsettledFindings(
  policies: readonly Policy[],
  twin: Twin,
  drifts: readonly Departure[],
): readonly Departure[] {
  const { mends, patch } = toPatch(drifts);
  const custom = new Set(mends.filter(({ kind }) => kind === 'custom').map(({ policy }) => policy));
  if (custom.size === 0) return drifts;
  const properties = mergePatch(twin.desired.properties, patch);
  const mended = { ...twin, desired: { ...twin.desired, properties } };
  const restless = policies.filter(
    (policy) =>
      custom.has(policy.name) && toPatch(customDepartures(policy, mended, ownedPaths(policies))).mends.length > 0,
  );
  if (restless.length === 0) return drifts;
  const names = new Set(restless.map(({ name }) => name));
  const message = 'evaluate does not come to rest: after the changes that it asks for, it asks for more';
  return [
    ...drifts.filter(({ kind, policy }) => kind !== 'custom' || !names.has(policy)),
    ...restless.map((policy) => policyError(policy, twin.deviceId, twin.moduleId, sectionWrite(twin), message)),
  ];
}

/** What a merge patch must hold at the departure's path to mend it; `undefined` when nothing can. */
function mendingChange({ kind, expected, actual, path }: Departure): Json | undefined {
  if (path === '' || kind === 'policyError' || kind === 'notReported') return undefined;
  if (kind === 'forbiddenProperty' || expected === undefined || expected === null) return null;
  return diffPatch(actual, expected);
}
