import type { Departure } from '../drift/index.ts';
import { checkValue, contradicts, type Policy, type PolicySet } from '../policy/index.ts';
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

/** Maximum number of field names that are read from the report of an agent. A module has a few dozen properties of a policy. */
const maxFields = 200;

/** Maximum number of unknown field names in the message of a row. */
const maxNames = 10;
/** Maximum number of characters of each field name in the message of a row. */
const maxNameLength = 100;

/**
 * Finds departures of kind `notReported`: the desired properties are compliant, but the agent has not accepted them within the grace period
 * of the policy. The agent reports another value, or reports that it refused its configuration. No change to the hub can repair this drift,
 * so it is only recorded. An agent that has reported nothing has no such departure.
 *
 * @param at The time at which the twin was read, ISO 8601.
 */
export function notReported(policies: readonly Policy[], twin: Twin, at: string): readonly Departure[] {
  return policies.flatMap((policy) => {
    if (policy.reported === undefined) return [];
    const differing = policy.reported.mirrors ? notMirrored(policy, twin, at) : [];
    // Each path of a policy has one row. When the agent reports another value and also names the field as refused, the row holds the other
    // value.
    const refused = refusals(policy, twin, at).filter(({ path }) => !differing.some((other) => other.path === path));
    return [...differing, ...refused];
  });
}

/**
 * Whether a change of reported properties may end a departure of kind `notReported`. The check is cheap when no policy uses the reported
 * properties of the module.
 *
 * @param reported The changed properties, as a merge patch.
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

/** Finds the properties that the policy owns and whose reported value differs from the desired value. */
function notMirrored(policy: Policy, twin: Twin, at: string): readonly Departure[] {
  return policy.owned.flatMap(({ path, text, rule }) => {
    const desired = valueAt(twin.desired.properties, path);
    // When the twin has no desired value, the agent may use its default. A desired value that breaks the rule is drift of another kind
    // already.
    if (desired === undefined || checkValue(rule, desired) !== undefined) return [];
    // A property that is not reported says nothing: agents do not report all settings. A reported value that is too large for a row is
    // another value.
    const isReported = getAt(twin.reported.properties, path) !== undefined;
    const reported = valueAt(twin.reported.properties, path);
    if (!isReported || (reported !== undefined && !contradicts(desired, reported))) return [];
    const write = writeAt(twin.desired, path);
    return isOverdue(policy, write, at) ? [notReportedDeparture(policy, twin, text, write)] : [];
  });
}

/**
 * Finds the fields that the agent reports as refused. Each known field gives one departure. All unknown fields together give one departure.
 */
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
  // Unknown names share one row. A device could otherwise create any number of rows with invented names.
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
    // The mode is `audit` even when the policy enforces, because no change to the hub can repair this drift.
    mode: 'audit',
  };
}

/** The value at a path. `undefined` when there is no value, or when the value exceeds the limits of a twin and so does not fit a row. */
function valueAt(properties: JsonObject, path: Path): Json | undefined {
  const value = getAt(properties, path);
  return value !== undefined && fitsTwin(value) ? value : undefined;
}

/** Whether the grace period of the policy after the write is over. False when the time of the write is unknown. */
function isOverdue(policy: Policy, write: Write | undefined, at: string): write is Write {
  const written = Date.parse(write?.at ?? '');
  return written > 0 && Date.parse(at) - written > (policy.reported?.graceMinutes ?? 0) * 60_000;
}

/** Whether a field name is the path of a property. The property is owned by the policy or exists in the desired properties of the twin. */
function isKnown(policy: Policy, twin: Twin, name: string): boolean {
  return (
    policy.owned.some(({ text }) => text === name) || valueAt(twin.desired.properties, parsePath(name)) !== undefined
  );
}

/** Whether a field name is the path of a property that the policy owns, and the desired value of the property breaks the rule. */
function isBroken(policy: Policy, twin: Twin, name: string): boolean {
  const property = policy.owned.find(({ text }) => text === name);
  return (
    property !== undefined && checkValue(property.rule, getAt(twin.desired.properties, property.path)) !== undefined
  );
}

/**
 * Reads the field names from the report of an agent. The format of the names is not documented. Accepts an array of names, a text with
 * separators, and an object with the names as keys.
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

/**
 * Joins field names to a text for the message of a row. The names are sorted, so that another order of the names gives the same message.
 */
function listNames(names: readonly string[]): string {
  const shown = names.toSorted().slice(0, maxNames).map(printable);
  return `${shown.join(', ')}${names.length > maxNames ? ` and ${names.length - maxNames} more` : ''}`;
}

/** Shortens a text from a device, and replaces characters that could control a terminal. */
function printable(text: string): string {
  const short = text.length > maxNameLength ? `${text.slice(0, maxNameLength)}…` : text;
  return short.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
}
