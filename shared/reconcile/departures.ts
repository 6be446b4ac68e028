import type { Departure } from '../drift/index.ts';
import { checkRule, mendingValue, type Policy, runEvaluate } from '../policy/index.ts';
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

/** For the history: what somebody put in place of a section that a property should be in, which mending the property overwrites. */
export function obstacleMessage(properties: JsonObject, path: Path): { readonly message?: string } {
  const obstacle = obstacleOn(properties, path);
  if (obstacle === undefined) return {};
  const value = JSON.stringify(obstacle.value);
  return {
    message: `${formatPath(obstacle.path)} holds ${value.length > 1000 ? `${value.slice(0, 1000)}…` : value} instead of a section`,
  };
}

/** Every owned property of a twin that breaks its rule. Custom findings are not asked for. */
export function brokenRules(policies: readonly Policy[], twin: Twin): readonly Departure[] {
  const broken: Departure[] = [];
  for (const policy of policies) {
    for (const { path, text, rule } of policy.owned) {
      const actual = getAt(twin.desired.properties, path);
      const kind = checkRule(rule, actual);
      if (kind === undefined) continue;
      const drift = departure(policy, twin, path, text, kind, mendingValue(rule), actual);
      broken.push({ ...drift, ...obstacleMessage(twin.desired.properties, path) });
    }
  }
  return broken;
}

/** Everything in a twin that breaks one of these policies, rules first, custom findings after. */
export function findDepartures(policies: readonly Policy[], twin: Twin): readonly Departure[] {
  const taken = ownedPaths(policies);
  return [...brokenRules(policies, twin), ...policies.flatMap((policy) => customDepartures(policy, twin, taken))];
}

/** What a policy's own `evaluate` finds. It may not ask for changes to a path that a rule or an earlier finding is about. */
export function customDepartures(
  policy: Policy,
  twin: Twin,
  taken: { path: Path; by: string }[],
): readonly Departure[] {
  const fail = (message: string) => [policyError(policy, twin.deviceId, twin.moduleId, sectionWrite(twin), message)];
  const evaluation = runEvaluate(policy, twin);
  if ('fault' in evaluation) return fail(evaluation.fault);
  const found: Departure[] = [];
  for (const { path: text, expected, message } of evaluation.findings) {
    const path = parsePath(text);
    const actual = path.length === 0 ? undefined : getAt(twin.desired.properties, path);
    const mends =
      expected !== undefined &&
      diffPatch(actual, expected) !== undefined &&
      !(expected === null && actual === undefined);
    if (mends) {
      const rival = taken.find((other) => overlaps(other.path, path));
      if (rival !== undefined) return fail(`evaluate wants to change ${text}, which ${rival.by} owns`);
      taken.push({ path, by: policy.name });
    }
    // The identity of a custom departure is its path: a second finding at the same one would be the same row.
    if (found.some((earlier) => earlier.path === text)) continue;
    const drift = departure(policy, twin, path, text, 'custom', expected, actual);
    found.push({
      ...drift,
      ...(mends ? {} : { mode: 'audit' as const }),
      ...(message === undefined ? {} : { message }),
    });
  }
  return found;
}

function departure(
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

/** The paths that rules are about, each with its policy. */
export function ownedPaths(policies: readonly Policy[]): { path: Path; by: string }[] {
  return policies.flatMap((policy) => policy.owned.map(({ path }) => ({ path, by: policy.name })));
}

/** That a policy itself failed on a twin: nothing can mend it but its author. */
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

/** The last write to the desired properties as a whole; of something older nothing more exact can be said. */
export function sectionWrite({ desired }: Twin): Write {
  const write = writeAt(desired, []);
  return { version: write?.version ?? desired.version, at: write?.at ?? new Date(0).toISOString(), exact: false };
}
