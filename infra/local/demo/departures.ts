/**
 * Computes the departures from policies that a disturbance causes, from the policies alone. Twinkeeper finds departures with other code.
 * The two must be independent, because the demo compares their results.
 */
import type { DriftKind, DriftRow } from '../../../shared/drift/index.ts';
import { baselineOf, checkValue, type Device, isRequired, type Policy } from '../../../shared/policy/index.ts';
import { getAt, isJsonObject, type Json, type JsonObject, mergePatch } from '../../../shared/twin/index.ts';

/**
 * A departure from a policy that the demo has caused: one path of one module that breaks one policy. The path of a missing module is `''`.
 */
export interface InjectedDeparture {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly policy: string;
  readonly path: string;
  readonly kind: DriftKind;
}

/** The device, module, policy, path and kind as one text. A departure and the row that records it have the same text. */
export function departureKey({ deviceId, moduleId, policy, path, kind }: InjectedDeparture | DriftRow): string {
  return JSON.stringify([deviceId, moduleId, policy, path, kind]);
}

/** The ids of the modules that the policies create on a device, without repetition. */
export function wantedModules(policies: readonly Policy[], device: Device): readonly string[] {
  return [
    ...new Set(policiesFor(policies, device).flatMap(({ createModule, module }) => (createModule ? module : []))),
  ];
}

/** The departures that missing modules cause: for each module, one for each policy that would create it. */
export function missingModules(
  policies: readonly Policy[],
  device: Device,
  modules: readonly string[] = wantedModules(policies, device),
): readonly InjectedDeparture[] {
  return policiesFor(policies, device)
    .filter(({ createModule, module }) => createModule && modules.includes(module))
    .map(({ name, module }) => ({
      deviceId: device.deviceId,
      moduleId: module,
      policy: name,
      path: '',
      kind: 'missingModule',
    }));
}

/** The departures that a merge patch causes when it is applied to the desired properties of a compliant module. */
export function departuresOfPatch(
  policies: readonly Policy[],
  device: Device,
  moduleId: string,
  patch: JsonObject,
): readonly InjectedDeparture[] {
  return policiesFor(policies, device)
    .filter(({ module }) => module === moduleId)
    .flatMap((policy) => {
      return departuresOfTwin([policy], device, moduleId, mergePatch(baselineOf(policy), patch));
    });
}

/** The departures from the policies in the desired properties of a module. */
export function departuresOfTwin(
  policies: readonly Policy[],
  device: Device,
  moduleId: string,
  desired: JsonObject,
): readonly InjectedDeparture[] {
  return policiesFor(policies, device)
    .filter(({ module }) => module === moduleId)
    .flatMap(({ name, owned }): readonly InjectedDeparture[] => {
      const found = owned.flatMap(({ path, text, rule }): readonly InjectedDeparture[] => {
        const kind = checkValue(rule, getAt(desired, path));
        return kind === undefined ? [] : [{ deviceId: device.deviceId, moduleId, policy: name, path: text, kind }];
      });
      const missing = found.filter(({ kind }) => kind === 'missingProperty');
      const required = owned.filter(({ rule }) => isRequired(rule));
      // A module with nothing of the policy is one departure. A plain value in the place of a section is something of the policy.
      const isEmpty = required.every(
        ({ path }) => !path.some((_, index) => isPlain(getAt(desired, path.slice(0, index)))),
      );
      if (missing.length < 2 || missing.length < required.length || !isEmpty) return found;
      const whole = { deviceId: device.deviceId, moduleId, policy: name, path: '', kind: 'missingBaseline' } as const;
      return [whole, ...found.filter(({ kind }) => kind !== 'missingProperty')];
    });
}

function isPlain(value: Json | undefined): boolean {
  return value !== undefined && !isJsonObject(value);
}

/** The departures of {@link departuresOfTwin} as text, one line for each. Empty for a compliant module. */
export function breaches(
  policies: readonly Policy[],
  device: Device,
  moduleId: string,
  desired: JsonObject,
): readonly string[] {
  return departuresOfTwin(policies, device, moduleId, desired).map(
    ({ deviceId, path, kind }) => `${deviceId} ${moduleId} ${path}: ${kind}`,
  );
}

/** The policies that apply to a device. A policy whose scope function throws for the device has no predictable drift there. */
export function policiesFor(policies: readonly Policy[], device: Device): readonly Policy[] {
  return policies.filter(({ scope }) => {
    try {
      return scope.matches(device);
    } catch {
      return false;
    }
  });
}
