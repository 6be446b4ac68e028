import type { Departure } from '../../shared/drift/index.ts';
import type { Hub } from '../../shared/hub/index.ts';
import { type Device, mendingValue, type Policy, type PolicySet } from '../../shared/policy/index.ts';
import { type ObservedTwin, plan } from '../../shared/reconcile/index.ts';
import { getAt, type Twin } from '../../shared/twin/index.ts';
import { hubProblem } from './http/problem.ts';
import { ruleInWords } from './rule-words.ts';
import type { ComparedModule, ComparedProperty } from './shapes.ts';

/** A device's twins as they are now, held against the policies. */
export interface Comparison {
  readonly device: Device;
  readonly at: string;
  /** The policies whose scope the device is in. */
  readonly policies: readonly string[];
  readonly modules: readonly ComparedModule[];
}

/**
 * Reads a device's twin, and that of each module that a policy is about: one call each. `undefined` when there is no such device.
 *
 * @throws {ApiProblem} when the hub does not answer.
 */
export async function compareDevice(
  deviceId: string,
  { policies, hub, now }: { readonly policies: PolicySet; readonly hub: Hub; now(): Date },
): Promise<Comparison | undefined> {
  const own = await readTwin(hub, deviceId, '');
  if (own === undefined) return undefined;
  const device: Device = { deviceId, tags: own.tags, edge: own.edge };
  // A scope function that throws is told of by the plan.
  const candidates = policies.all.filter(({ scope }) => scope.mayMatchId(deviceId));
  const moduleIds = [...new Set(candidates.map(({ module }) => module))];
  const seen = await Promise.all(
    moduleIds.map(async (moduleId) => ({
      moduleId,
      twin: moduleId === '' ? own : await readTwin(hub, deviceId, moduleId),
    })),
  );
  const at = now().toISOString();
  const since = { version: 0, at, exact: false };
  const twins = seen.map(
    ({ moduleId, twin }): ObservedTwin =>
      twin === undefined ? { moduleId, missing: true, write: since } : { moduleId, twin },
  );
  const { drifts } = plan(policies.all, { device, twins, at });
  const applicable = candidates.filter((policy) => matches(policy, device));
  return {
    device,
    at,
    policies: applicable.map(({ name }) => name),
    modules: seen.map(({ moduleId, twin }) =>
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
  const rest = new Set(drifts);
  const properties = policies.flatMap((policy) =>
    policy.owned.map(({ path, text, rule }): ComparedProperty => {
      const drift = drifts.find(
        (one) => one.policy === policy.name && one.path === text && !otherMatters.has(one.kind),
      );
      if (drift !== undefined) rest.delete(drift);
      const words = ruleInWords(rule);
      if (drift !== undefined) return { ...toProperty(drift), rule: words };
      // Of a module that is not there, one line says so; what it would hold is not out of line by itself.
      const missing = drifts.some((one) => one.policy === policy.name && one.kind === 'missingModule');
      const actual = getAt(twin?.desired.properties, path);
      const expected = mendingValue(rule);
      return {
        policy: policy.name,
        path: text,
        rule: words,
        ...(expected === undefined ? {} : { expected }),
        ...(actual === undefined ? {} : { actual }),
        ok: !missing,
        ...(missing ? { kind: 'missingModule' as const } : {}),
      };
    }),
  );
  return {
    moduleId,
    exists: twin !== undefined,
    policies: policies.map(({ name }) => name),
    properties: [...[...rest].map(toProperty), ...properties],
    ...(twin === undefined ? {} : { desired: twin.desired.properties }),
  };
}

/** What can be found at an owned path beside its rule: a line of its own. */
const otherMatters: ReadonlySet<Departure['kind']> = new Set(['notReported', 'custom', 'policyError', 'missingModule']);

const wordsOf: Readonly<Partial<Record<Departure['kind'], string>>> = {
  missingModule: 'the module exists',
  notReported: 'the agent takes it up',
  custom: 'as evaluate says',
  policyError: 'the policy can be evaluated',
};

function toProperty({ policy, path, expected, actual, kind, message }: Departure): ComparedProperty {
  return {
    policy,
    path,
    rule: wordsOf[kind] ?? '',
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

function matches(policy: Policy, device: Device): boolean {
  try {
    return policy.scope.matches(device);
  } catch {
    return false;
  }
}
