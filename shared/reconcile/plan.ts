import type { Departure } from '../drift/index.ts';
import { baselineOf, type Device, describeCustomError, type Policy } from '../policy/index.ts';
import {
  diffPatch,
  isJsonObject,
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

/** The observed state of one module of a device, or of the device twin. */
export type ObservedTwin =
  | { readonly moduleId: string; readonly twin: Twin }
  /** The module does not exist. `write` goes into the history row of the missing module. This write can be the deletion of the module. */
  | { readonly moduleId: string; readonly missing: true; readonly write: Write };

/** The observed state of a device. The plan contains nothing about modules that are not in `twins`. */
export interface Observed {
  readonly device: Device;
  readonly twins: readonly ObservedTwin[];
  /** The time at which the twins were read, ISO 8601. Without this time, the plan has no departures of kind `notReported`. */
  readonly at?: string;
  /**
   * Whether the missing properties of a policy in a twin stay separate departures, even when the twin has nothing of the policy. True when
   * the history already has separate rows of them. Default: false.
   */
  readonly isSeparate?: (policy: Policy) => boolean;
}

/** A change to the hub. The field `repairs` lists the departures from policies that the change repairs. */
export type Action =
  | {
      readonly type: 'createModule';
      readonly moduleId: string;
      readonly desired: JsonObject;
      readonly tags: JsonObject;
      readonly repairs: readonly Departure[];
    }
  | {
      readonly type: 'patchDesired';
      readonly moduleId: string;
      readonly etag: string;
      readonly patch: JsonObject;
      readonly repairs: readonly Departure[];
    };

export interface Plan {
  /** All departures of the device. A departure that no action repairs is only recorded. */
  readonly drifts: readonly Departure[];
  /** The changes to the hub. At most one change for each module. */
  readonly actions: readonly Action[];
}

/**
 * Makes the plan for a device: finds all departures from policies, and the actions that repair them. The result depends only on the
 * arguments. Actions change only paths that a policy owns. After the actions are carried out, a new plan has no actions. Pure.
 */
export function plan(policies: readonly Policy[], { device, twins, at, isSeparate }: Observed): Plan {
  const drifts: Departure[] = [];
  const actions: Action[] = [];
  for (const observed of twins) {
    const candidates = policies.filter((policy) => policy.module === observed.moduleId);
    const { applicable, errors } = applicablePolicies(candidates, device, observed);
    drifts.push(...errors);
    const modulePlan =
      'twin' in observed
        ? planTwin(applicable, observed.twin, at, isSeparate)
        : planMissing(applicable, device, observed);
    drifts.push(...modulePlan.drifts);
    actions.push(...modulePlan.actions);
  }
  return { drifts, actions };
}

/**
 * Finds the policies with the device in scope. When the scope function of a policy throws, the policy gets a departure of kind
 * `policyError`.
 */
function applicablePolicies(policies: readonly Policy[], device: Device, observed: ObservedTwin) {
  const errors: Departure[] = [];
  const applicable = policies.filter((policy) => {
    try {
      return policy.scope.matches(device);
    } catch (error) {
      const write = 'twin' in observed ? sectionWrite(observed.twin) : observed.write;
      const message = describeCustomError(error);
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
  const repairs = drifts.filter((drift) => drift.mode === 'enforce');
  if (repairs.length === 0) return { drifts, actions: [] };
  // The new twin gets the baselines of all enforcing policies. Otherwise the event of its creation would show drift from the remaining
  // policies.
  const enforcing = policies.filter((policy) => policy.mode === 'enforce');
  const desired = enforcing.reduce<JsonObject>((merged, policy) => mergePatch(merged, baselineOf(policy)), {});
  const tags = enforcing.reduce<JsonObject>((merged, policy) => mergePatch(merged, policy.moduleTags), {});
  // At load time, each policy was checked to fit a twin. But several policies together may be too large for one twin, and only the plan
  // knows which policies cover the same device.
  for (const [name, content, limit] of [
    ['desired properties', desired, twinLimits.desiredBytes],
    ['tags', tags, twinLimits.tagsBytes],
  ] as const) {
    const size = twinSize(content);
    if (size <= limit) continue;
    const message = `cannot be created: its policies want ${name} of ${size} bytes, and a twin holds at most ${limit}`;
    return { drifts: drifts.map((drift) => (repairs.includes(drift) ? { ...drift, message } : drift)), actions: [] };
  }
  return { drifts, actions: [{ type: 'createModule', moduleId, desired, tags, repairs }] };
}

function planTwin(
  policies: readonly Policy[],
  twin: Twin,
  at: string | undefined,
  isSeparate: Observed['isSeparate'],
): Plan {
  const found = findDepartures(policies, twin, isSeparate);
  const unreported = at === undefined ? [] : notReported(policies, twin, at);
  const drifts = [...withoutUnsettledFindings(policies, twin, found), ...unreported];
  const { repairs, patch } = toPatch(drifts);
  if (repairs.length === 0) return { drifts, actions: [] };

  const { moduleId, etag, desired } = twin;
  const size = twinSize(mergePatch(desired.properties, patch));
  if (size > twinLimits.desiredBytes && size > twinSize(desired.properties)) {
    const limit = twinLimits.desiredBytes;
    const message = `cannot be repaired: the desired properties would have ${size} bytes, and a twin holds at most ${limit}`;
    return { drifts: drifts.map((drift) => (repairs.includes(drift) ? { ...drift, message } : drift)), actions: [] };
  }
  return { drifts, actions: [{ type: 'patchDesired', moduleId, etag, patch, repairs }] };
}

/** Builds one merge patch that repairs all departures from policies in enforce mode. `repairs` lists these departures. */
export function toPatch(drifts: readonly Departure[]): {
  readonly repairs: readonly Departure[];
  readonly patch: JsonObject;
} {
  const repairs: Departure[] = [];
  let patch: JsonObject = {};
  for (const drift of drifts) {
    if (drift.mode === 'enforce' && drift.kind === 'missingBaseline' && isJsonObject(drift.expected)) {
      repairs.push(drift);
      patch = mergePatch(patch, drift.expected);
      continue;
    }
    const change = drift.mode === 'enforce' ? repairChange(drift) : undefined;
    if (change === undefined) continue;
    repairs.push(drift);
    patch = setAt(patch, parsePath(drift.path), change);
  }
  return { repairs, patch };
}

/**
 * Replaces the findings of `evaluate` by a `policyError` when `evaluate` never settles. Such a function finds drift again after its own
 * changes are made. Twinkeeper would otherwise write to the twin again and again.
 */
function withoutUnsettledFindings(
  policies: readonly Policy[],
  twin: Twin,
  drifts: readonly Departure[],
): readonly Departure[] {
  const { repairs, patch } = toPatch(drifts);
  const custom = new Set(repairs.filter(({ kind }) => kind === 'custom').map(({ policy }) => policy));
  if (custom.size === 0) return drifts;
  const properties = mergePatch(twin.desired.properties, patch);
  const repaired = { ...twin, desired: { ...twin.desired, properties } };
  const unsettled = policies.filter(
    (policy) =>
      custom.has(policy.name) && toPatch(customDepartures(policy, repaired, ownedPaths(policies))).repairs.length > 0,
  );
  if (unsettled.length === 0) return drifts;
  const names = new Set(unsettled.map(({ name }) => name));
  const message = 'evaluate does not settle: after its own changes it asks for more changes';
  return [
    ...drifts.filter(({ kind, policy }) => kind !== 'custom' || !names.has(policy)),
    ...unsettled.map((policy) => policyError(policy, twin.deviceId, twin.moduleId, sectionWrite(twin), message)),
  ];
}

/**
 * The value in a merge patch, at the path of a departure, that repairs the departure. `undefined` when no patch can repair the departure.
 */
function repairChange({ kind, expected, actual, path }: Departure): Json | undefined {
  if (path === '' || kind === 'policyError' || kind === 'notReported') return undefined;
  if (kind === 'forbiddenProperty' || expected === undefined || expected === null) return null;
  return diffPatch(actual, expected);
}
