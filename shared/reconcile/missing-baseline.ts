import type { Departure } from '../drift/index.ts';
import { baselineOf, isRequired, type OwnedProperty, type Policy } from '../policy/index.ts';
import { getAt, type JsonObject, obstacleOn, type TwinSection, type Write, writeAt } from '../twin/index.ts';

/** The properties that a policy demands. The others are optional or forbidden. */
export function requiredProperties({ owned }: Policy): readonly OwnedProperty[] {
  return owned.filter(({ rule }) => isRequired(rule));
}

/**
 * Whether a twin has nothing of the baseline of a policy, for example because somebody has just created the module without properties. Such
 * a twin has one departure of kind `missingBaseline`, and not one departure for each property. False for a baseline of one property,
 * because a departure of that property also names its path. False where a plain value is in the place of a section, because the repair
 * overwrites that value.
 */
export function lacksBaseline(policy: Policy, properties: JsonObject): boolean {
  const required = requiredProperties(policy);
  return (
    required.length > 1 &&
    required.every(({ path }) => getAt(properties, path) === undefined && obstacleOn(properties, path) === undefined)
  );
}

/** Builds the departure of kind `missingBaseline`. */
export function missingBaseline(
  policy: Policy,
  { deviceId, moduleId }: Pick<Departure, 'deviceId' | 'moduleId'>,
  write: Write,
): Departure {
  return {
    deviceId,
    moduleId,
    policy: policy.name,
    path: '',
    kind: 'missingBaseline',
    expected: baselineOf(policy),
    actual: undefined,
    write,
    mode: policy.mode,
  };
}

/** The field `by` of the write that removed the baseline: the configuration of the hub that wrote the section. Empty when there is none. */
export function emptiedBy(policy: Policy, desired: TwinSection): Pick<Write, 'by'> {
  const by = requiredProperties(policy)
    .map(({ path }) => writeAt(desired, path)?.by)
    .find((writer) => writer !== undefined);
  return by === undefined ? {} : { by };
}
