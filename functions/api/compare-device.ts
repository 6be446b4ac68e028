import type { Departure } from '../../shared/drift/index.ts';
import type { Hub } from '../../shared/hub/index.ts';
import { type Device, isRequired, type Policy, type PolicySet, repairValue } from '../../shared/policy/index.ts';
import { type ObservedTwin, plan } from '../../shared/reconcile/index.ts';
import { getAt, type Twin } from '../../shared/twin/index.ts';
import type { ComparedModule, ComparedProperty } from './answers.ts';
import { describeRule } from './describe-rule.ts';
import { hubProblem } from './http/problem.ts';

/** The comparison of a device's twins with the policies. The twins are read from the hub for each comparison. */
export interface Comparison {
  readonly device: Device;
  /** Time when the twins were read, ISO 8601. */
  readonly at: string;
  /** The names of the policies that apply to the device. */
  readonly policies: readonly string[];
  readonly modules: readonly ComparedModule[];
}

/**
 * Reads the device's twin and the twin of each module that a policy is about. Then compares these twins with the policies. Reading makes
 * one hub call for each twin. The result is `undefined` when the hub has no such device.
 *
 * @throws {ApiProblem} when a hub call fails.
 */
export async function compareDevice(
  deviceId: string,
  { policies, hub, now }: { readonly policies: PolicySet; readonly hub: Hub; now(): Date },
): Promise<Comparison | undefined> {
  const deviceTwin = await readTwin(hub, deviceId, '');
  if (deviceTwin === undefined) return undefined;
  const device: Device = { deviceId, tags: deviceTwin.tags, edge: deviceTwin.edge };
  // This filter checks only a policy's pattern for device ids. `plan` calls the scope functions later, and reports a scope function that
  // throws.
  const candidates = policies.all.filter(({ scope }) => scope.mayMatchId(deviceId));
  const moduleIds = [...new Set(candidates.map(({ module }) => module))];
  const twins = await Promise.all(
    moduleIds.map(async (moduleId) => ({
      moduleId,
      twin: moduleId === '' ? deviceTwin : await readTwin(hub, deviceId, moduleId),
    })),
  );
  const at = now().toISOString();
  const since = { version: 0, at, exact: false };
  const observed = twins.map(
    ({ moduleId, twin }): ObservedTwin =>
      twin === undefined ? { moduleId, missing: true, write: since } : { moduleId, twin },
  );
  const { drifts } = plan(policies.all, { device, twins: observed, at });
  const applicable = candidates.filter((policy) => applies(policy, device));
  return {
    device,
    at,
    policies: applicable.map(({ name }) => name),
    modules: twins.map(({ moduleId, twin }) =>
      compareModule(
        moduleId,
        twin,
        applicable.filter(({ module }) => module === moduleId),
        drifts.filter((drift) => drift.moduleId === moduleId),
      ),
    ),
  };
}

function compareModule(
  moduleId: string,
  twin: Twin | undefined,
  policies: readonly Policy[],
  drifts: readonly Departure[],
): ComparedModule {
  const unmatched = new Set(drifts);
  const properties = policies.flatMap((policy) =>
    policy.owned.map(({ path, text, rule }): ComparedProperty => {
      const drift = drifts.find(
        (one) => one.policy === policy.name && one.path === text && !separateKinds.has(one.kind),
      );
      if (drift !== undefined) unmatched.delete(drift);
      const description = describeRule(rule);
      if (drift !== undefined) return { ...toProperty(drift), rule: description };
      // When the module or the whole baseline is missing, `plan` returns one drift for it, and no drifts for the properties.
      const missing = drifts.find((one) => one.policy === policy.name && wholeKinds.has(one.kind))?.kind;
      const isMissing = missing === 'missingModule' || (missing !== undefined && isRequired(rule));
      const actual = getAt(twin?.desired.properties, path);
      const expected = repairValue(rule);
      return {
        policy: policy.name,
        path: text,
        rule: description,
        ...(expected === undefined ? {} : { expected }),
        ...(actual === undefined ? {} : { actual }),
        ok: !isMissing,
        ...(isMissing && missing !== undefined ? { kind: missing } : {}),
      };
    }),
  );
  return {
    moduleId,
    exists: twin !== undefined,
    policies: policies.map(({ name }) => name),
    properties: [...[...unmatched].map(toProperty), ...properties],
    ...(twin === undefined ? {} : { desired: twin.desired.properties }),
  };
}

/** Kinds of drift that the comparison always lists as a separate entry, even when a property with a rule has the same path. */
const separateKinds: ReadonlySet<Departure['kind']> = new Set([
  'notReported',
  'custom',
  'policyError',
  'missingModule',
  'missingBaseline',
]);

/** Kinds of drift that stand for all properties of a policy. */
const wholeKinds: ReadonlySet<Departure['kind']> = new Set(['missingModule', 'missingBaseline']);

/** Texts for the field `rule` of the separate entries. A separate entry has no rule of a property. */
const descriptions: Readonly<Partial<Record<Departure['kind'], string>>> = {
  missingModule: 'the module exists',
  missingBaseline: 'the module has the baseline',
  notReported: 'the agent applies it',
  custom: 'as the policy evaluates',
  policyError: 'the policy can be evaluated',
};

function toProperty({ policy, path, expected, actual, kind, message }: Departure): ComparedProperty {
  return {
    policy,
    path,
    rule: descriptions[kind] ?? '',
    ...(expected === undefined ? {} : { expected }),
    ...(actual === undefined ? {} : { actual }),
    ok: false,
    kind,
    ...(message === undefined ? {} : { message }),
  };
}

async function readTwin(hub: Hub, deviceId: string, moduleId: string): Promise<Twin | undefined> {
  const answer = await hub.readTwin(deviceId, moduleId);
  if (answer.ok) return answer.value;
  if (answer.problem.type === 'gone') return undefined;
  throw hubProblem(answer.problem);
}

/** Whether the policy applies to the device. The result is false when the policy's scope function throws. */
function applies(policy: Policy, device: Device): boolean {
  try {
    return policy.scope.matches(device);
  } catch {
    return false;
  }
}
