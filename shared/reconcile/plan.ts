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

/** The observed state of one module of a device, or of the device's own twin. */
export type ObservedTwin =
  | { readonly moduleId: string; readonly twin: Twin }
  /** The module does not exist. `write` is the write that its history row names, such as the module's deletion. */
  | { readonly moduleId: string; readonly missing: true; readonly write: Write };

/** The observed state of a device. The plan says nothing about modules that were not observed. */
export interface Observed {
  readonly device: Device;
  readonly twins: readonly ObservedTwin[];
  /** When the twins were read, ISO 8601. Without it, the plan has no `notReported` departures. */
  readonly at?: string;
}

/** A change to the hub, and the departures that the change mends. */
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
  /** All departures. A departure that no action mends is only recorded. */
  readonly drifts: readonly Departure[];
  /** At most one action for each module. */
  readonly actions: readonly Action[];
}

/**
 * Finds all departures of a device, and the actions that mend them. The result depends only on the arguments. Pure. Planning again after
 * the actions gives no actions. Actions touch only paths that a policy owns.
 */
export function plan(policies: readonly Policy[], { device, twins, at }: Observed): Plan {
  const drifts: Departure[] = [];
  const actions: Action[] = [];
  for (const observed of twins) {
    const candidates = policies.filter((policy) => policy.module === observed.moduleId);
    const { applicable, errors } = applicablePolicies(candidates, device, observed);
    drifts.push(...errors);
    const modulePlan =
      'twin' in observed ? planTwin(applicable, observed.twin, at) : planMissing(applicable, device, observed);
    drifts.push(...modulePlan.drifts);
    actions.push(...modulePlan.actions);
  }
  return { drifts, actions };
}

/** The policies with the device in scope. A scope function that throws gives a `policyError` for its policy. */
function applicablePolicies(policies: readonly Policy[], device: Device, observed: ObservedTwin) {
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
  // The new twin gets the baselines of all enforcing policies. Otherwise its first event would show the others as broken.
  const enforcing = policies.filter((policy) => policy.mode === 'enforce');
  const desired = enforcing.reduce<JsonObject>((merged, policy) => mergePatch(merged, baselineOf(policy)), {});
  const tags = enforcing.reduce<JsonObject>((merged, policy) => mergePatch(merged, policy.moduleTags), {});
  // Each policy alone fits a twin, which was checked at load time. Only here is it known which policies meet on a device.
  for (const [name, content, limit] of [
    ['desired properties', desired, twinLimits.desiredBytes],
    ['tags', tags, twinLimits.tagsBytes],
  ] as const) {
    const size = twinSize(content);
    if (size <= limit) continue;
    const message = `cannot be created: its policies want ${name} of ${size} bytes, and a twin holds at most ${limit}`;
    return { drifts: drifts.map((drift) => (mends.includes(drift) ? { ...drift, message } : drift)), actions: [] };
  }
  return { drifts, actions: [{ type: 'createModule', moduleId, desired, tags, mends }] };
}

function planTwin(policies: readonly Policy[], twin: Twin, at: string | undefined): Plan {
  const found = findDepartures(policies, twin);
  const unreported = at === undefined ? [] : notReported(policies, twin, at);
  const drifts = [...withoutUnsettledFindings(policies, twin, found), ...unreported];
  const { mends, patch } = toPatch(drifts);
  if (mends.length === 0) return { drifts, actions: [] };

  const { moduleId, etag, desired } = twin;
  const size = twinSize(mergePatch(desired.properties, patch));
  if (size > twinLimits.desiredBytes && size > twinSize(desired.properties)) {
    const limit = twinLimits.desiredBytes;
    const message = `cannot be mended: the desired properties would have ${size} bytes, and a twin holds at most ${limit}`;
    return { drifts: drifts.map((drift) => (mends.includes(drift) ? { ...drift, message } : drift)), actions: [] };
  }
  return { drifts, actions: [{ type: 'patchDesired', moduleId, etag, patch, mends }] };
}

/** One merge patch that mends the enforced departures, and the departures that it mends. */
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
 * Replaces the custom findings of a policy by a `policyError` when `evaluate` never settles: after its changes it would ask for more
 * changes. Otherwise Twinkeeper would write to the twin without end.
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
  const unsettled = policies.filter(
    (policy) =>
      custom.has(policy.name) && toPatch(customDepartures(policy, mended, ownedPaths(policies))).mends.length > 0,
  );
  if (unsettled.length === 0) return drifts;
  const names = new Set(unsettled.map(({ name }) => name));
  const message = 'evaluate does not settle: after its own changes it asks for more changes';
  return [
    ...drifts.filter(({ kind, policy }) => kind !== 'custom' || !names.has(policy)),
    ...unsettled.map((policy) => policyError(policy, twin.deviceId, twin.moduleId, sectionWrite(twin), message)),
  ];
}

/** The value of a merge patch that mends a departure, at the departure's path. `undefined` when no patch can mend the departure. */
function mendingChange({ kind, expected, actual, path }: Departure): Json | undefined {
  if (path === '' || kind === 'policyError' || kind === 'notReported') return undefined;
  if (kind === 'forbiddenProperty' || expected === undefined || expected === null) return null;
  return diffPatch(actual, expected);
}
