import type { Departure } from '../drift/index.ts';
import { checkRule, type Policy, type PolicySet } from '../policy/index.ts';
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

/** More fields than this in one answer of an agent are not looked at; a policy's module has a few dozen. */
const maxFields = 200;

/** How many names that mean nothing to us a message tells, and how much of each. */
const maxTold = 10;
const longestTold = 100;

/**
 * What agents did not take: desired properties that are right, and that the agent has answered otherwise to for longer than the policy's
 * grace. Only agents that have reported at all are asked. Nothing can be done about these from here, so they are for the record only.
 *
 * @param at when the twin was read, ISO 8601
 */
export function notReported(policies: readonly Policy[], twin: Twin, at: string): readonly Departure[] {
  return policies.flatMap((policy) => {
    if (policy.reported === undefined) return [];
    const differing = policy.reported.mirrors ? notMirrored(policy, twin, at) : [];
    // One path, one row: that the value differs says more than that the agent lists it.
    const refused = refusals(policy, twin, at).filter(({ path }) => !differing.some((other) => other.path === path));
    return [...differing, ...refused];
  });
}

/**
 * Whether a change of reported properties may be an agent's answer that some policy waits for: what was recorded of it may be over.
 * Costs next to nothing where none is.
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
    const isChanged = [path, fields].some((at) => at !== undefined && patchedValue(reported, at) !== undefined);
    return isChanged && policy.scope.mayMatchId(deviceId);
  });
}

/** Owned properties that the agent reports otherwise than they are desired. */
function notMirrored(policy: Policy, twin: Twin, at: string): readonly Departure[] {
  return policy.owned.flatMap(({ path, text, rule }) => {
    const desired = heldAt(twin.desired.properties, path);
    // What is not there leaves the agent its own default; what breaks the rule is a departure already.
    if (desired === undefined || checkRule(rule, desired) !== undefined) return [];
    if (getAt(twin.reported.properties, path.slice(0, 1)) === undefined) return [];
    if (jsonEquals(heldAt(twin.reported.properties, path), desired)) return [];
    const write = writeAt(twin.desired, path);
    return isOverdue(policy, write, at) ? [notReportedDeparture(policy, twin, text, write)] : [];
  });
}

/** What the agent itself says that it refused: each field that we know a departure, the rest of them together one. */
function refusals(policy: Policy, twin: Twin, at: string): readonly Departure[] {
  const failure = policy.reported?.failure;
  if (failure === undefined) return [];
  const reported = twin.reported.properties;
  const state = getAt(reported, failure.path);
  const write = writeAt(twin.desired, []);
  if (!jsonEquals(state, failure.value) || !isOverdue(policy, write, at)) return [];

  const says = `the agent reports ${formatPath(failure.path)} ${told(JSON.stringify(failure.value))}`;
  const names = failure.fields === undefined ? [] : namesIn(getAt(reported, failure.fields));
  const known = names.filter((name) => isKnown(policy, twin, name));
  const departures = known
    .filter((name) => !isBroken(policy, twin, name))
    .map((name) => ({
      ...notReportedDeparture(policy, twin, name, write),
      message: `${says}; invalid field: ${told(name)}`,
    }));
  const unknown = names.filter((name) => !known.includes(name));
  // Names that mean nothing to us must not become rows of their own: a device could make up any number of them.
  const rest = unknown.length > 0 || names.length === 0;
  if (!rest || policy.owned.some(({ text }) => isBroken(policy, twin, text))) return departures;
  const whole = { ...notReportedDeparture(policy, twin, '', write), expected: undefined, actual: state };
  return [
    ...departures,
    { ...whole, message: unknown.length === 0 ? says : `${says}; invalid fields: ${list(unknown)}` },
  ];
}

function notReportedDeparture(policy: Policy, twin: Twin, text: string, write: Write): Departure {
  const path = parsePath(text);
  return {
    deviceId: twin.deviceId,
    moduleId: twin.moduleId,
    policy: policy.name,
    path: text,
    kind: 'notReported',
    expected: heldAt(twin.desired.properties, path),
    actual: heldAt(twin.reported.properties, path),
    write,
    // Whatever the policy's mode: there is nothing to enforce.
    mode: 'audit',
  };
}

/** The value at a path, or `undefined` where there is none. What no twin could hold is none: it would not fit a row. */
function heldAt(properties: JsonObject, path: Path): Json | undefined {
  const value = getAt(properties, path);
  return value !== undefined && fitsTwin(value) ? value : undefined;
}

/** Whether the agent has had its time since the write. Of a write whose time is not known that cannot be said. */
function isOverdue(policy: Policy, write: Write | undefined, at: string): write is Write {
  const written = Date.parse(write?.at ?? '');
  return written > 0 && Date.parse(at) - written > (policy.reported?.graceMinutes ?? 0) * 60_000;
}

/** Whether a name is that of a property which the policy owns or the twin holds. */
function isKnown(policy: Policy, twin: Twin, name: string): boolean {
  return (
    policy.owned.some(({ text }) => text === name) || heldAt(twin.desired.properties, parsePath(name)) !== undefined
  );
}

function isBroken(policy: Policy, twin: Twin, name: string): boolean {
  const property = policy.owned.find(({ text }) => text === name);
  return (
    property !== undefined && checkRule(property.rule, getAt(twin.desired.properties, property.path)) !== undefined
  );
}

/**
 * The names in an agent's list of fields. Its form is documented nowhere: a list, one text, and an object with the fields as its keys
 * are all taken.
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

/** Names for a message, always in the same order: an agent that lists them anew says nothing new. */
function list(names: readonly string[]): string {
  const shown = names.toSorted().slice(0, maxTold).map(told);
  return `${shown.join(', ')}${names.length > maxTold ? ` and ${names.length - maxTold} more` : ''}`;
}

/** A name as a device gave it, fit to be shown on a terminal. */
function told(name: string): string {
  const short = name.length > longestTold ? `${name.slice(0, longestTold)}…` : name;
  return short.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
}
