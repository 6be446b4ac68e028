import type { Departure } from '../drift/index.ts';
import { checkValue, isRequired, type Policy, repairValue, runEvaluate } from '../policy/index.ts';
import {
  diffPatch,
  formatPath,
  getAt,
  type Json,
  type JsonObject,
  obstacleOn,
  overlaps,
  type Path,
  parsePath,
  type Twin,
  type Write,
  writeAt,
} from '../twin/index.ts';
import { emptiedBy, lacksBaseline, missingBaseline } from './missing-baseline.ts';

/** A path that a policy claims, by a rule or by a finding of `evaluate`. `by` is the name of the policy. */
export interface ClaimedPath {
  readonly path: Path;
  readonly by: string;
}

/**
 * Returns a message for the history when a plain value is in the place of an object of properties on the path. A repair of the property at
 * `path` overwrites that value. Without such a value, the result has no message.
 */
export function obstacleMessage(properties: JsonObject, path: Path): { readonly message?: string } {
  const obstacle = obstacleOn(properties, path);
  if (obstacle === undefined) return {};
  const value = JSON.stringify(obstacle.value);
  return {
    message: `${formatPath(obstacle.path)} holds ${value.length > 1000 ? `${value.slice(0, 1000)}…` : value} instead of a section`,
  };
}

/** Whether the missing properties of a policy stay separate departures, even when the twin has nothing of the policy. */
export type IsSeparate = (policy: Policy) => boolean;

/**
 * Finds the properties of a twin that break a rule of a policy. A twin that has nothing of a policy is one departure. Does not run the
 * `evaluate` functions of the policies.
 */
export function brokenRules(
  policies: readonly Policy[],
  twin: Twin,
  isSeparate: IsSeparate = () => false,
): readonly Departure[] {
  const broken: Departure[] = [];
  for (const policy of policies) {
    const isWhole = lacksBaseline(policy, twin.desired.properties) && !isSeparate(policy);
    if (isWhole)
      broken.push(missingBaseline(policy, twin, { ...sectionWrite(twin), ...emptiedBy(policy, twin.desired) }));
    for (const { path, text, rule } of policy.owned) {
      if (isWhole && isRequired(rule)) continue;
      const actual = getAt(twin.desired.properties, path);
      const kind = checkValue(rule, actual);
      if (kind === undefined) continue;
      const drift = toDeparture(policy, twin, path, text, kind, repairValue(rule), actual);
      broken.push({ ...drift, ...obstacleMessage(twin.desired.properties, path) });
    }
  }
  return broken;
}

/** Finds all departures of a twin from policies: first the broken rules, then the findings of `evaluate`. */
export function findDepartures(policies: readonly Policy[], twin: Twin, isSeparate?: IsSeparate): readonly Departure[] {
  const claimed = ownedPaths(policies);
  return [
    ...brokenRules(policies, twin, isSeparate),
    ...policies.flatMap((policy) => customDepartures(policy, twin, claimed)),
  ];
}

/**
 * Runs the `evaluate` function of a policy and returns its findings as departures. A finding must not change a path that overlaps a claimed
 * path. When a finding does, or when `evaluate` fails, the only result is one departure of kind `policyError`.
 *
 * @param claimed The paths of rules and of earlier findings. The function adds the paths of the findings of this policy.
 */
export function customDepartures(policy: Policy, twin: Twin, claimed: ClaimedPath[]): readonly Departure[] {
  const fail = (message: string) => [policyError(policy, twin.deviceId, twin.moduleId, sectionWrite(twin), message)];
  const evaluation = runEvaluate(policy, twin);
  if ('fault' in evaluation) return fail(evaluation.fault);
  const found: Departure[] = [];
  for (const { path: text, expected, message } of evaluation.findings) {
    const path = parsePath(text);
    const actual = path.length === 0 ? undefined : getAt(twin.desired.properties, path);
    const changesTwin =
      expected !== undefined &&
      diffPatch(actual, expected) !== undefined &&
      !(expected === null && actual === undefined);
    if (changesTwin) {
      const owner = claimed.find((other) => overlaps(other.path, path));
      if (owner !== undefined) return fail(`evaluate wants to change ${text}, which ${owner.by} owns`);
      claimed.push({ path, by: policy.name });
    }
    // A second finding at the same path is left out, because it would have the same history row.
    if (found.some((earlier) => earlier.path === text)) continue;
    const drift = toDeparture(policy, twin, path, text, 'custom', expected, actual);
    found.push({
      ...drift,
      ...(changesTwin ? {} : { mode: 'audit' as const }),
      ...(message === undefined ? {} : { message }),
    });
  }
  return found;
}

function toDeparture(
  policy: Policy,
  twin: Twin,
  path: Path,
  text: string,
  kind: Departure['kind'],
  expected: Json | undefined,
  actual: Json | undefined,
): Departure {
  return {
    deviceId: twin.deviceId,
    moduleId: twin.moduleId,
    policy: policy.name,
    path: text,
    kind,
    expected,
    actual,
    write: writeAt(twin.desired, path) ?? sectionWrite(twin),
    mode: policy.mode,
  };
}

/** The paths of all rules of these policies. */
export function ownedPaths(policies: readonly Policy[]): ClaimedPath[] {
  return policies.flatMap((policy) => policy.owned.map(({ path }) => ({ path, by: policy.name })));
}

/** Builds the departure of kind `policyError`, for a policy that fails on a twin. Only the author of the policy can remove the cause. */
export function policyError(
  policy: Policy,
  deviceId: string,
  moduleId: string,
  write: Write,
  message: string,
): Departure {
  return {
    deviceId,
    moduleId,
    policy: policy.name,
    path: '',
    kind: 'policyError',
    expected: undefined,
    actual: undefined,
    write,
    mode: policy.mode,
    message,
  };
}

/**
 * The last write to any desired property of the twin. Used for a departure whose own write is unknown, so `exact` is always false. Without
 * metadata, the time of the write is 1970.
 */
export function sectionWrite({ desired }: Twin): Write {
  const write = writeAt(desired, []);
  return { version: write?.version ?? desired.version, at: write?.at ?? new Date(0).toISOString(), exact: false };
}
