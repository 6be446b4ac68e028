import type { Departure } from '../drift/index.ts';
import { checkValue, type Policy, repairValue, runEvaluate } from '../policy/index.ts';
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

/** A path that is already claimed, by a rule or by an `evaluate` finding, and the policy that claims it. */
export interface ClaimedPath {
  readonly path: Path;
  readonly by: string;
}

/** A message for the history about a value that stands in place of a section. Mending the property at `path` overwrites that value. */
export function obstacleMessage(properties: JsonObject, path: Path): { readonly message?: string } {
  const obstacle = obstacleOn(properties, path);
  if (obstacle === undefined) return {};
  const value = JSON.stringify(obstacle.value);
  return {
    message: `${formatPath(obstacle.path)} holds ${value.length > 1000 ? `${value.slice(0, 1000)}…` : value} instead of a section`,
  };
}

/** The owned properties of a twin that break their rule. Does not run `evaluate`. */
export function brokenRules(policies: readonly Policy[], twin: Twin): readonly Departure[] {
  const broken: Departure[] = [];
  for (const policy of policies) {
    for (const { path, text, rule } of policy.owned) {
      const actual = getAt(twin.desired.properties, path);
      const kind = checkValue(rule, actual);
      if (kind === undefined) continue;
      const drift = toDeparture(policy, twin, path, text, kind, repairValue(rule), actual);
      broken.push({ ...drift, ...obstacleMessage(twin.desired.properties, path) });
    }
  }
  return broken;
}

/** All departures of a twin: broken rules first, then the findings of `evaluate`. */
export function findDepartures(policies: readonly Policy[], twin: Twin): readonly Departure[] {
  const claimed = ownedPaths(policies);
  return [...brokenRules(policies, twin), ...policies.flatMap((policy) => customDepartures(policy, twin, claimed))];
}

/**
 * The findings of a policy's own `evaluate`. A finding must not change a path that overlaps a claimed path. Otherwise the result is one
 * `policyError`, which is also the result when `evaluate` fails.
 *
 * @param claimed paths of rules and of earlier findings. The function adds the paths of this policy's findings.
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
    // A second finding at the same path would have the same history row.
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

/** The departure of a policy that fails on a twin. Only the policy's author can remove the cause. */
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

/** The last write to any desired property, for a departure whose own write is unknown. Never exact. 1970 when there is no metadata. */
export function sectionWrite({ desired }: Twin): Write {
  const write = writeAt(desired, []);
  return { version: write?.version ?? desired.version, at: write?.at ?? new Date(0).toISOString(), exact: false };
}
