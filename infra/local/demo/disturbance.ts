/**
 * The kinds of disturbance with which the demo causes drift. A disturbance is plain data: the calls to the hub, and the departures from
 * policies that these calls cause. Pure functions.
 */
import {
  checkValue,
  type Device,
  isRequired,
  type OwnedProperty,
  type Policy,
  type RuleContent,
  repairValue,
} from '../../../shared/policy/index.ts';
import { type Json, type JsonObject, type Path, setAt } from '../../../shared/twin/index.ts';
import { departuresOfPatch, type InjectedDeparture, missingModules, policiesFor, wantedModules } from './departures.ts';
import type { Random } from './random.ts';

/** One call to the hub. It changes or deletes a part of a device. */
export type Step =
  | { readonly type: 'patchDesired'; readonly moduleId: string; readonly patch: JsonObject }
  | { readonly type: 'deleteModule'; readonly moduleId: string }
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
  // Leaves out modules that no policy creates: such a module may not exist.
  const targets = policiesFor(policies, device)
    .filter(({ module }) => modules.includes(module))
    .flatMap(({ module, owned }) => owned.map((property): Target => ({ moduleId: module, property })));
  const steps = stepsOf[kind](random.shuffle(targets), random, () => modules);
  if (steps === undefined) return undefined;
  const departures = steps.flatMap((step) => departuresOf(step, device, policies));
  return { kind, deviceId: device.deviceId, steps, atOnce: kind === 'twoChanges', departures };
}

function departuresOf(step: Step, device: Device, policies: readonly Policy[]): readonly InjectedDeparture[] {
  switch (step.type) {
    case 'patchDesired':
      return departuresOfPatch(policies, device, step.moduleId, step.patch);
    case 'deleteModule':
      return missingModules(policies, device, [step.moduleId]);
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

/** A value that breaks the rule and has the type of the value that the rule wants. `undefined` when there is no such value. */
function wrongValue(rule: RuleContent, random: Random): Json | undefined {
  const wanted = repairValue(rule);
  return random.shuffle(sameType(wanted, random)).find((value) => checkValue(rule, value) === 'wrongValue');
}

function sameType(wanted: Json | undefined, random: Random): readonly Json[] {
  if (typeof wanted === 'boolean') return [!wanted];
  if (typeof wanted === 'number') return [wanted + 1 + random.below(1_000_000), -wanted - 1 - random.below(1000), 0.5];
  if (typeof wanted === 'string')
    return [`${wanted}-${random.below(1000)}`, 'Off', 'Sometimes', `é "${random.below(10)}" \\ <&>`];
  return [];
}

/** A value that breaks the rule and has another type than the value that the rule wants. `undefined` when there is no such value. */
function wrongType(rule: RuleContent, random: Random): Json | undefined {
  const wanted = repairValue(rule);
  const values: readonly Json[] = ['yes', 42, true, { nested: { value: 'High' } }, ['Low', 1], {}];
  return random
    .shuffle(values)
    .find((value) => typeof value !== typeof wanted && checkValue(rule, value) === 'wrongValue');
}

/** A value that the rule allows. `undefined` when the rule forbids the property. */
function rightValue(rule: RuleContent, random: Random): Json | undefined {
  switch (rule.rule) {
    case 'atLeast':
      return rule.min + random.below(1000);
    case 'atMost':
      return rule.max - random.below(1000);
    case 'matches':
    case 'duration':
      return rule.otherwise;
    case 'optional':
      return rightValue(rule.inner, random);
    case 'absent':
      return undefined;
    case 'oneOf':
      return random.pick(rule.values);
    case 'between':
      return rule.min + random.below(Math.floor(rule.max - rule.min) + 1);
    case 'exactly':
    case 'byDefault':
      return rule.value;
  }
}
