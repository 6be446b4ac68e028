/**
 * The kinds of disturbance with which the demo causes drift. A disturbance is plain data: the calls to the hub, and the departures from
 * policies that these calls cause. Pure functions.
 */
import { type Device, isRequired, type OwnedProperty, type Policy, repairValue } from '../../../shared/policy/index.ts';
import { type Json, type JsonObject, type Path, setAt } from '../../../shared/twin/index.ts';
import { departuresOfPatch, type InjectedDeparture, missingModules, policiesFor, wantedModules } from './departures.ts';
import type { Random } from './random.ts';
import { rightValue, wrongType, wrongValue } from './values.ts';

/** One call to the hub. It changes or deletes a part of a device. */
export type Step =
  | { readonly type: 'patchDesired'; readonly moduleId: string; readonly patch: JsonObject }
  | { readonly type: 'deleteModule'; readonly moduleId: string }
  /** An automatic configuration of the hub sets these desired properties of the module, and is then removed. */
  | { readonly type: 'configure'; readonly moduleId: string; readonly properties: JsonObject }
  | { readonly type: 'deleteDevice' };

export const DISTURBANCE_KINDS = [
  'wrongValue',
  'wrongType',
  'propertyRemoved',
  'forbiddenProperty',
  'sectionNulled',
  'sectionReplaced',
  'moduleDeleted',
  'deviceDeleted',
  'twoChanges',
  'changedBack',
  'harmlessChange',
  'configuration',
] as const;

export type DisturbanceKind = (typeof DISTURBANCE_KINDS)[number];

export interface Disturbance {
  readonly kind: DisturbanceKind;
  readonly deviceId: string;
  readonly steps: readonly Step[];
  /** Whether all calls are made at the same time. Otherwise they are made one after the other. */
  readonly atOnce: boolean;
  /** The departures from policies that the calls cause on a compliant device. */
  readonly departures: readonly InjectedDeparture[];
}

/** A property for which a policy has a rule, and the module of the property. */
interface Target {
  readonly moduleId: string;
  readonly property: OwnedProperty;
}

/** Makes a disturbance of this kind. Returns `undefined` when the device's policies have no property for this kind. */
export function disturb(
  kind: DisturbanceKind,
  device: Device,
  policies: readonly Policy[],
  random: Random,
): Disturbance | undefined {
  const modules = wantedModules(policies, device);
  const steps = stepsOf[kind](random.shuffle(targetsOf(device, policies)), random, () => modules);
  return steps && disturbanceOf(kind, device, policies, steps);
}

/**
 * Makes disturbances that write wrong values to one and the same property. Returns `undefined` when the device's policies have no property
 * for it.
 */
export function flap(
  count: number,
  device: Device,
  policies: readonly Policy[],
  random: Random,
): readonly Disturbance[] | undefined {
  const wrongWrite = (target: Target) => write(target, wrongValue(target.property.rule, random));
  const target = random.shuffle(targetsOf(device, policies)).find((one) => wrongWrite(one) !== undefined);
  return (
    target &&
    Array.from({ length: count }, () => disturbanceOf('wrongValue', device, policies, wrongWrite(target) ?? []))
  );
}

/** The properties of the device for which policies have rules. Leaves out modules that no policy creates: such a module may not exist. */
function targetsOf(device: Device, policies: readonly Policy[]): readonly Target[] {
  const modules = wantedModules(policies, device);
  return policiesFor(policies, device)
    .filter(({ module }) => modules.includes(module))
    .flatMap(({ module, owned }) => owned.map((property): Target => ({ moduleId: module, property })));
}

function disturbanceOf(
  kind: DisturbanceKind,
  device: Device,
  policies: readonly Policy[],
  steps: readonly Step[],
): Disturbance {
  const departures = steps.flatMap((step) => departuresOf(step, device, policies));
  return { kind, deviceId: device.deviceId, steps, atOnce: kind === 'twoChanges', departures };
}

function departuresOf(step: Step, device: Device, policies: readonly Policy[]): readonly InjectedDeparture[] {
  switch (step.type) {
    case 'patchDesired':
      return departuresOfPatch(policies, device, step.moduleId, step.patch);
    case 'deleteModule':
      return missingModules(policies, device, [step.moduleId]);
    case 'configure':
      // The configuration sets only properties for which no policy has a rule.
      return [];
    case 'deleteDevice':
      // A deleted device causes no drift, because no policy applies to it.
      return [];
  }
}

type MakeSteps = (
  targets: readonly Target[],
  random: Random,
  modules: () => readonly string[],
) => readonly Step[] | undefined;

const stepsOf: Readonly<Record<DisturbanceKind, MakeSteps>> = {
  wrongValue: (targets, random) =>
    firstResult(targets, (target) => write(target, wrongValue(target.property.rule, random))),

  wrongType: (targets, random) =>
    firstResult(targets, (target) => write(target, wrongType(target.property.rule, random))),

  propertyRemoved: (targets) => firstResult(targets.filter(isWanted), (target) => write(target, null)),

  forbiddenProperty: (targets, random) =>
    firstResult(targets, (target) =>
      target.property.rule.rule === 'absent' ? write(target, random.pick(['/etc', 1, true])) : undefined,
    ),

  sectionNulled: (targets) =>
    firstResult(targets.filter(isNested).filter(isWanted), (target) => write(target, null, 1)),

  sectionReplaced: (targets, random) =>
    firstResult(targets.filter(isNested).filter(isWanted), (target) => {
      const depth = 1 + random.below(target.property.path.length - 1);
      return write(target, random.pick<Json>(['High', 7, false, ['High']]), depth);
    }),

  moduleDeleted: (_, random, modules) => {
    const wanted = modules();
    return wanted.length === 0 ? undefined : [{ type: 'deleteModule', moduleId: random.pick(wanted) }];
  },

  deviceDeleted: (targets, random, modules) => {
    const change = stepsOf.wrongValue(targets, random, modules);
    return change === undefined ? undefined : [...change, { type: 'deleteDevice' }];
  },

  twoChanges: (targets, random) =>
    firstResult(targets, (target) => {
      const one = write(target, wrongValue(target.property.rule, random));
      if (one === undefined) return undefined;
      const others = targets.filter(
        ({ moduleId, property }) => moduleId === target.moduleId && property.path[0] !== target.property.path[0],
      );
      const samePath = () => write(target, wrongValue(target.property.rule, random));
      const otherPath = () => firstResult(others.filter(isWanted), (other) => write(other, null));
      const two = (random.below(2) === 0 ? otherPath() : undefined) ?? samePath();
      return two === undefined ? undefined : [...one, ...two];
    }),

  changedBack: (targets, random) =>
    firstResult(targets, (target) => {
      const wrong = write(target, wrongValue(target.property.rule, random));
      const right = write(target, repairValue(target.property.rule));
      return wrong === undefined || right === undefined ? undefined : [...wrong, ...right];
    }),

  harmlessChange: (targets, random) =>
    firstResult(targets, (target) =>
      random.below(2) === 0
        ? [{ type: 'patchDesired', moduleId: target.moduleId, patch: { siteNote: `note ${random.below(1000)}` } }]
        : write(target, rightValue(target.property.rule, random)),
    ),

  // The event about the configuration repeats the wrong value that was written before. The wrong value is still one departure.
  configuration: (targets, random) =>
    firstResult(targets, (target) => {
      const wrong = write(target, wrongValue(target.property.rule, random));
      const properties = { siteNote: `configured ${random.below(1000)}` };
      return wrong && [...wrong, { type: 'configure', moduleId: target.moduleId, properties }];
    }),
};

/** The first result of `use` that is not `undefined`. `undefined` when there is none. */
function firstResult<T, R>(items: readonly T[], use: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const result = use(item);
    if (result !== undefined) return result;
  }
  return undefined;
}

function write({ moduleId, property }: Target, value: Json | undefined, depth?: number): readonly Step[] | undefined {
  if (value === undefined) return undefined;
  const path: Path = property.path.slice(0, depth);
  return [{ type: 'patchDesired', moduleId, patch: setAt({}, path, value) }];
}

function isWanted({ property }: Target): boolean {
  return isRequired(property.rule);
}

function isNested({ property }: Target): boolean {
  return property.path.length > 1;
}
