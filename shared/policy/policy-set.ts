import { isJsonObject, type JsonObject, limitFaults, setAt, twinLimits, twinSize } from '../twin/index.ts';
import { isRequired, repairValue } from './check-value.ts';
import type { Mode, PolicyDefinition } from './define-policy.ts';
import { checkReporting, toExpectedReport } from './expected-report.ts';
import { type OwnedProperty, parseRules, type ReportFault } from './parse-rules.ts';
import type { Policy } from './policy.ts';
import { findConflicts } from './policy-conflicts.ts';
import { type PolicyFault, PolicyFaultsError } from './policy-faults.ts';
import { policyShape, scopeShape } from './policy-schema.ts';
import { type Scope, toScopeMatcher } from './scope.ts';
import { scopeFaults } from './scope-faults.ts';

/** A desired property and the policy that owns it. */
export interface Owner {
  readonly policy: Policy;
  readonly property: OwnedProperty;
}

/** All valid policies of the app, with functions to find a policy or an owned property. */
export interface PolicySet {
  readonly all: readonly Policy[];
  /** The policies for the twin of this module. `''` means the device twin. */
  forModule(moduleId: string): readonly Policy[];
  /** The owned properties of this module's twin whose path has `key` as its first key. Each property is returned with its policy. */
  ownersOf(moduleId: string, key: string): readonly Owner[];
  /** The ids of the modules that at least one policy creates. */
  readonly createdModules: readonly string[];
}

/** Settings for the policy set as a whole. */
export interface PolicySetOptions {
  /** With `audit`, every policy runs in audit mode. With `enforce`, each policy runs in the mode that its author gave. */
  readonly mode: Mode;
}

/**
 * Validates each policy, checks that the policies do not conflict with each other, and fills in the defaults.
 *
 * @throws {PolicyFaultsError} with every fault of every policy.
 */
export function toPolicySet(definitions: readonly PolicyDefinition[], { mode }: PolicySetOptions): PolicySet {
  const faults: PolicyFault[] = [];
  const compiled = definitions.map((definition, index) => compile(definition, index, mode, faults));
  const all = compiled.filter((policy) => policy !== undefined);
  faults.push(...findConflicts(all, definitions));
  if (faults.length > 0) throw new PolicyFaultsError(faults);

  const byModule = Map.groupBy(all, (policy) => policy.module);
  const owners = all.flatMap((policy) => policy.owned.map((property): Owner => ({ policy, property })));
  // Two nested maps: first by module, then by the first key of the path. They make `ownersOf` fast, which is called for every key of every
  // event.
  const ownersByModule = new Map(
    [...Map.groupBy(owners, ({ policy }) => policy.module)].map(([module, ownersOfModule]) => [
      module,
      Map.groupBy(ownersOfModule, ({ property }) => property.path[0]),
    ]),
  );
  return {
    all,
    ownersOf: (moduleId, key) => ownersByModule.get(moduleId)?.get(key) ?? [],
    forModule: (moduleId) => byModule.get(moduleId) ?? [],
    createdModules: [...new Set(all.filter((policy) => policy.createModule).map((policy) => policy.module))],
  };
}

/** The desired properties of a module that Twinkeeper creates for this policy: the repair value of each required property. */
export function baselineOf(policy: Policy): JsonObject {
  return policy.owned.reduce<JsonObject>((baseline, { path, rule }) => {
    const value = isRequired(rule) ? repairValue(rule) : undefined;
    return value === undefined ? baseline : setAt(baseline, path, value);
  }, {});
}

/**
 * Validates one policy and fills in its defaults. Each fault is added to `faults`. An invalid policy is returned too, so that its
 * conflicts with other policies are found in the same run. When `faults` is not empty, the caller must not use any policy. Returns
 * `undefined` when the definition is not an object.
 */
function compile(definition: PolicyDefinition, index: number, mode: Mode, faults: PolicyFault[]): Policy | undefined {
  if (!isJsonObject(definition)) {
    faults.push({ policy: `policy ${index + 1}`, path: '', message: 'is not an object.' });
    return undefined;
  }
  const { $schema: _, appliesTo, ...content } = definition as PolicyDefinition & { readonly $schema?: unknown };
  const name = typeof content.name === 'string' ? content.name : `policy ${index + 1}`;
  const report = (path: string, message: string) => faults.push({ policy: name, path, message });

  const shape = policyShape.safeParse(content);
  const invalidFields = new Set<string>();
  for (const { path, message } of shape.error?.issues ?? []) {
    invalidFields.add(String(path[0] ?? ''));
    report(path.join('.'), message);
  }
  const scope =
    appliesTo === undefined || typeof appliesTo === 'function' ? undefined : scopeShape().safeParse(appliesTo);
  for (const { path, message } of scope?.error?.issues ?? []) report(['appliesTo', ...path].join('.'), message);
  for (const { path, message } of scope?.success ? scopeFaults(scope.data as Scope) : [])
    report(`appliesTo.${path}`, message);

  /** The value of a field of the definition, or `undefined` when the field is invalid. */
  const validField = <K extends keyof typeof content>(key: K) => (invalidFields.has(key) ? undefined : content[key]);
  const owned = parseRules(content.desired, (path, message) => report(`desired.${path}`, message));
  const reporting = validField('reported');
  const policy: Policy = {
    definition,
    name,
    module: validField('module') ?? '',
    createModule: validField('createModule') ?? false,
    moduleTags: validField('moduleTags') ?? {},
    mode: mode === 'audit' ? 'audit' : (validField('mode') ?? 'enforce'),
    scope: toScopeMatcher(scope?.error === undefined ? appliesTo : undefined, name),
    owned,
    reported: reporting === undefined ? undefined : toExpectedReport(reporting),
    overrideConfigurations: validField('overrideConfigurations') ?? false,
    evaluate: validField('evaluate'),
    watches: validField('evaluate') === undefined ? [] : (validField('watches') ?? ['desired', 'tags']),
  };
  checkConsistency(policy, content, report);
  return policy;
}

/** Reports fields of a policy that are valid alone but contradict each other. Also reports content that is too large for a twin. */
function checkConsistency(policy: Policy, definition: PolicyDefinition, report: ReportFault): void {
  const { module, createModule, moduleTags, reported } = policy;
  if (createModule && module === '') report('createModule', 'needs the name of a module in "module".');
  if (module.startsWith('$')) report('module', `${module} belongs to IoT Edge. A policy cannot create or own it.`);
  if (definition.desired === undefined && definition.evaluate === undefined && !createModule && !reported) {
    report('', 'has nothing to check. Add desired, evaluate, createModule or reported.');
  }
  if (definition.watches !== undefined && definition.evaluate === undefined) {
    report('watches', 'has no effect without evaluate. Add evaluate, or remove watches.');
  }
  if (reported !== undefined) checkReporting(reported, definition.desired, report);
  for (const { path, message } of limitFaults(moduleTags)) report(`moduleTags.${path}`, message);
  const tagsSize = twinSize(moduleTags);
  if (tagsSize > twinLimits.tagsBytes) {
    report('moduleTags', `the tags have ${tagsSize} bytes. A twin can have at most ${twinLimits.tagsBytes}.`);
  }
  const size = twinSize(baselineOf(policy));
  if (size > twinLimits.desiredBytes) {
    report(
      'desired',
      `the baseline has ${size} bytes. The desired properties of a twin can have at most ${twinLimits.desiredBytes}.`,
    );
  }
}
