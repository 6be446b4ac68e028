import type { Departure } from '../drift/index.ts';
import { checkValue, type Policy, type PolicySet } from '../policy/index.ts';
import {
  fitsTwin,
  formatPath,
  getAt,
  isJsonObject,
  type Json,
  type JsonObject,
  jsonEquals,
  type Path,
  parsePath,
  type Twin,
  twinLimits,
  type Write,
  writeAt,
} from '../twin/index.ts';
import { patchedValue, touchedProperties } from './patch-reading.ts';

/** Maximum number of field names that are read from an agent's report. A policy's module has a few dozen properties. */
const maxFields = 200;

/** Maximum number of unknown names in a message. */
const maxNames = 10;
/** Maximum characters of each name in a message. */
const maxNameLength = 100;

/**
 * Departures of kind `notReported`: compliant desired properties that the agent has not accepted within the policy's grace period. The
 * agent reports another value, or reports that it refused its configuration. No change to the hub can mend these departures, so they are
 * only recorded. An agent that has not reported is not considered.
 *
 * @param at when the twin was read, ISO 8601
 */
export function notReported(policies: readonly Policy[], twin: Twin, at: string): readonly Departure[] {
  return policies.flatMap((policy) => {
    if (policy.reported === undefined) return [];
    const differing = policy.reported.mirrors ? notMirrored(policy, twin, at) : [];
    // A path has one row. A different value is more precise than a name in the agent's list.
    const refused = refusals(policy, twin, at).filter(({ path }) => !differing.some((other) => other.path === path));
    return [...differing, ...refused];
  });
}

/**
 * Whether a change of reported properties may end a `notReported` departure. Cheap when no policy considers what the module reports.
 *
 * @param reported the changed properties, as a merge patch
 */
export function mayEndNotReported(
  policies: PolicySet,
  deviceId: string,
  moduleId: string,
  reported: JsonObject,
): boolean {
  for (const { policy } of touchedProperties(policies, moduleId, reported)) {
    if (policy.reported?.mirrors === true && policy.scope.mayMatchId(deviceId)) return true;
  }
  return policies.forModule(moduleId).some((policy) => {
    const { path, fields } = policy.reported?.failure ?? {};
    const isChanged = [path, fields].some((each) => each !== undefined && patchedValue(reported, each) !== undefined);
    return isChanged && policy.scope.mayMatchId(deviceId);
  });
}

/** Owned properties whose reported value differs from the desired value. */
function notMirrored(policy: Policy, twin: Twin, at: string): readonly Departure[] {
  return policy.owned.flatMap(({ path, text, rule }) => {
    const desired = valueAt(twin.desired.properties, path);
    // Without a desired value, the agent may use its default. A value that breaks the rule is already a departure.
    if (desired === undefined || checkValue(rule, desired) !== undefined) return [];
    if (getAt(twin.reported.properties, path.slice(0, 1)) === undefined) return [];
    if (jsonEquals(valueAt(twin.reported.properties, path), desired)) return [];
    const write = writeAt(twin.desired, path);
    return isOverdue(policy, write, at) ? [notReportedDeparture(policy, twin, text, write)] : [];
  });
}

/** The fields that the agent reports as refused. Each known field is one departure. All unknown fields together are one. */
function refusals(policy: Policy, twin: Twin, at: string): readonly Departure[] {
  const failure = policy.reported?.failure;
  if (failure === undefined) return [];
  const reported = twin.reported.properties;
  const state = getAt(reported, failure.path);
  const write = writeAt(twin.desired, []);
  if (!jsonEquals(state, failure.value) || !isOverdue(policy, write, at)) return [];

  const report = `the agent reports ${formatPath(failure.path)} ${printable(JSON.stringify(failure.value))}`;
  const names = failure.fields === undefined ? [] : namesIn(getAt(reported, failure.fields));
  const known = names.filter((name) => isKnown(policy, twin, name));
  const departures = known
    .filter((name) => !isBroken(policy, twin, name))
    .map((name) => ({
      ...notReportedDeparture(policy, twin, name, write),
      message: `${report}; invalid field: ${printable(name)}`,
    }));
  const unknown = names.filter((name) => !known.includes(name));
  // Unknown names do not get rows of their own, because a device could invent any number of names.
  const hasUnnamedRefusal = unknown.length > 0 || names.length === 0;
  if (!hasUnnamedRefusal || policy.owned.some(({ text }) => isBroken(policy, twin, text))) return departures;
  const message = unknown.length === 0 ? report : `${report}; invalid fields: ${listNames(unknown)}`;
  const remainder = { ...notReportedDeparture(policy, twin, '', write), expected: undefined, actual: state, message };
  return [...departures, remainder];
}

function notReportedDeparture(policy: Policy, twin: Twin, text: string, write: Write): Departure {
  const path = parsePath(text);
  return {
    deviceId: twin.deviceId,
    moduleId: twin.moduleId,
    policy: policy.name,
    path: text,
    kind: 'notReported',
    expected: valueAt(twin.desired.properties, path),
    actual: valueAt(twin.reported.properties, path),
    write,
    // No change to the hub can mend the departure, even when the policy enforces.
    mode: 'audit',
  };
}

/** The value at a path. `undefined` when there is none, or when the value exceeds the limits of a twin and would not fit a row. */
function valueAt(properties: JsonObject, path: Path): Json | undefined {
  const value = getAt(properties, path);
  return value !== undefined && fitsTwin(value) ? value : undefined;
}

/** Whether the grace period after the write is over. False when the time of the write is unknown. */
function isOverdue(policy: Policy, write: Write | undefined, at: string): write is Write {
  const written = Date.parse(write?.at ?? '');
  return written > 0 && Date.parse(at) - written > (policy.reported?.graceMinutes ?? 0) * 60_000;
}

/** Whether a name is the path of a property that the policy owns or that the twin holds. */
function isKnown(policy: Policy, twin: Twin, name: string): boolean {
  return (
    policy.owned.some(({ text }) => text === name) || valueAt(twin.desired.properties, parsePath(name)) !== undefined
  );
}

/** Whether a name is an owned property whose desired value breaks its rule. */
function isBroken(policy: Policy, twin: Twin, name: string): boolean {
  const property = policy.owned.find(({ text }) => text === name);
  return (
    property !== undefined && checkValue(property.rule, getAt(twin.desired.properties, property.path)) !== undefined
  );
}

/**
 * The field names in an agent's report. Their format is not documented. A list, a text with separators, and an object with the names as
 * keys are accepted.
 */
function namesIn(value: Json | undefined): readonly string[] {
  const names =
    typeof value === 'string'
      ? value.slice(0, twinLimits.desiredBytes).split(/[\s,;"'[\]]+/)
      : Array.isArray(value)
        ? value.map((item) => (typeof item === 'string' ? item.trim() : ''))
        : isJsonObject(value)
          ? Object.keys(value)
          : [];
  return [...new Set(names)].filter((name) => name !== '').slice(0, maxFields);
}

/** Names as text for a message. Sorted, so that the same names in another order give the same message. */
function listNames(names: readonly string[]): string {
  const shown = names.toSorted().slice(0, maxNames).map(printable);
  return `${shown.join(', ')}${names.length > maxNames ? ` and ${names.length - maxNames} more` : ''}`;
}

/** A device's text, shortened, and without characters that could control a terminal. */
function printable(text: string): string {
  const short = text.length > maxNameLength ? `${text.slice(0, maxNameLength)}…` : text;
  return short.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
}
