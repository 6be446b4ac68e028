import {
  isJsonObject,
  type JsonObject,
  jsonEquals,
  limitFaults,
  overlaps,
  setAt,
  twinLimits,
  twinSize,
} from '../twin/index.ts';
import { mendingValue } from './check-rule.ts';
import { collectRules, type OwnedProperty, type ReportFault } from './collect-rules.ts';
import type { Mode, PolicyDefinition } from './define-policy.ts';
import { checkReporting, type ExpectedReport, toExpectedReport } from './expected-report.ts';
import { type PolicyFault, PolicyFaultsError } from './policy-faults.ts';
import { policyShape, scopeShape } from './policy-schema.ts';
import { areDisjoint, type Matcher, toMatcher } from './scope.ts';

/** A policy ready for use: valid, with its defaults filled in. */
export interface Policy {
  readonly name: string;
  /** The module whose twin it is about; `''` for the device's own twin. */
  readonly module: string;
  readonly createModule: boolean;
  readonly moduleTags: JsonObject;
  readonly mode: Mode;
  readonly scope: Matcher;
  readonly owned: readonly OwnedProperty[];
  /** What the agent is expected to report; `undefined` when nothing is. */
  readonly reported: ExpectedReport | undefined;
  /** Whether a path is mended although an automatic configuration of the hub sets it otherwise. */
  readonly overrideConfigurations: boolean;
  readonly evaluate: PolicyDefinition['evaluate'];
  /** Dotted paths from `desired`, `reported` or `tags`; empty when there is no `evaluate`. */
  readonly watches: readonly string[];
}

/** A property, and the policy that owns it. */
export interface Owner {
  readonly policy: Policy;
  readonly property: OwnedProperty;
}

/** All policies of the app. */
export interface PolicySet {
  readonly all: readonly Policy[];
  /** The policies about this module's twin; `''` asks for those about devices' own twins. */
  forModule(moduleId: string): readonly Policy[];
  /** The owned properties of this module's twin whose path begins with `key`, each with the policy that owns it. */
  ownersOf(moduleId: string, key: string): readonly Owner[];
  /** Modules that some policy creates. */
  readonly createdModules: readonly string[];
  /** Whether some policy's scope looks at more than the device's id. */
  readonly scopedByTwin: boolean;
}

/** Settings that act on every policy. */
export interface PolicySetOptions {
  /** `audit` makes every policy an audit; `enforce` leaves each its own mode. */
  readonly mode: Mode;
}

/**
 * Validates policies, alone and against each other, and makes them ready for use.
 *
 * @throws {PolicyFaultsError} with all that is wrong with any of them.
 */
export function toPolicySet(definitions: readonly PolicyDefinition[], { mode }: PolicySetOptions): PolicySet {
  const faults: PolicyFault[] = [];
  const compiled = definitions.map((definition, index) => compile(definition, index, mode, faults));
  const all = compiled.filter((policy) => policy !== undefined);
  faults.push(...conflicts(all, definitions));
  if (faults.length > 0) throw new PolicyFaultsError(faults);

  const byModule = Map.groupBy(all, (policy) => policy.module);
  const owners = all.flatMap((policy) => policy.owned.map((property): Owner => ({ policy, property })));
  // Asked for every key of every event: a look-up must cost next to nothing.
  const ownersByModule = new Map(
    [...Map.groupBy(owners, ({ policy }) => policy.module)].map(([module, its]) => [
      module,
      Map.groupBy(its, ({ property }) => property.path[0]),
    ]),
  );
  return {
    all,
    ownersOf: (moduleId, key) => ownersByModule.get(moduleId)?.get(key) ?? [],
    forModule: (moduleId) => byModule.get(moduleId) ?? [],
    createdModules: [...new Set(all.filter((policy) => policy.createModule).map((policy) => policy.module))],
    scopedByTwin: all.some((policy) => !policy.scope.byIdAlone),
  };
}

/** What a policy's module twin holds when it is created: the mending value of each owned property. */
export function baselineOf(policy: Policy): JsonObject {
  return policy.owned.reduce<JsonObject>((baseline, { path, rule }) => {
    const value = mendingValue(rule);
    return value === undefined ? baseline : setAt(baseline, path, value);
  }, {});
}

/**
 * One policy, made ready as far as it can be. All that is wrong with it is added to `faults`; it is given back all the same, so that it
 * can be held against the others, unless it is no object at all. With any fault, nothing of it is ever used.
 */
function compile(definition: PolicyDefinition, index: number, mode: Mode, faults: PolicyFault[]): Policy | undefined {
  if (!isJsonObject(definition)) {
    faults.push({ policy: `policy ${index + 1}`, path: '', message: 'is no object.' });
    return undefined;
  }
  const { $schema: _, appliesTo, ...content } = definition as PolicyDefinition & { readonly $schema?: unknown };
  const name = typeof content.name === 'string' ? content.name : `policy ${index + 1}`;
  const report = (path: string, message: string) => faults.push({ policy: name, path, message });

  const shape = policyShape.safeParse(content);
  const wrong = new Set<string>();
  for (const { path, message } of shape.error?.issues ?? []) {
    wrong.add(String(path[0] ?? ''));
    report(path.join('.'), message);
  }
  const scope =
    appliesTo === undefined || typeof appliesTo === 'function' ? undefined : scopeShape().safeParse(appliesTo);
  for (const { path, message } of scope?.error?.issues ?? []) report(['appliesTo', ...path].join('.'), message);

  /** A part of the definition, or nothing where it is not what it should be. */
  const part = <K extends keyof typeof content>(key: K) => (wrong.has(key) ? undefined : content[key]);
  const owned = collectRules(content.desired, (path, message) => report(`desired.${path}`, message));
  const reporting = part('reported');
  const policy: Policy = {
    name,
    module: part('module') ?? '',
    createModule: part('createModule') ?? false,
    moduleTags: part('moduleTags') ?? {},
    mode: mode === 'audit' ? 'audit' : (part('mode') ?? 'enforce'),
    scope: toMatcher(scope?.error === undefined ? appliesTo : undefined),
    owned,
    reported: reporting === undefined ? undefined : toExpectedReport(reporting),
    overrideConfigurations: part('overrideConfigurations') ?? false,
    evaluate: part('evaluate'),
    watches: part('evaluate') === undefined ? [] : (part('watches') ?? ['desired', 'tags']),
  };
  checkSense(policy, content, report);
  return policy;
}

/** Whether the parts of a policy, each right by itself, make sense together and fit a twin. */
function checkSense(policy: Policy, definition: PolicyDefinition, report: ReportFault): void {
  const { module, createModule, moduleTags, reported } = policy;
  if (createModule && module === '') report('createModule', 'needs a module to create: name it in "module".');
  if (module.startsWith('$')) report('module', `${module} belongs to IoT Edge and cannot be created or owned.`);
  if (definition.desired === undefined && definition.evaluate === undefined && !createModule && !reported) {
    report('', 'asks for nothing: give it desired properties, an evaluate function, createModule or reported.');
  }
  if (definition.watches !== undefined && definition.evaluate === undefined) {
    report('watches', 'says when to call evaluate, which is missing.');
  }
  if (reported !== undefined) checkReporting(reported, definition.desired, report);
  for (const { path, message } of limitFaults(moduleTags)) report(`moduleTags.${path}`, message);
  if (twinSize(moduleTags) > twinLimits.tagsBytes) {
    report('moduleTags', `larger than the ${twinLimits.tagsBytes} bytes a twin takes.`);
  }
  const size = twinSize(baselineOf(policy));
  if (size > twinLimits.desiredBytes) {
    report('desired', `a baseline of ${size} bytes; the desired properties of a twin take ${twinLimits.desiredBytes}.`);
  }
}

/** What policies want of each other's paths, where some device could be in the scope of both. */
function conflicts(policies: readonly Policy[], definitions: readonly PolicyDefinition[]): readonly PolicyFault[] {
  const faults: PolicyFault[] = [];
  const seen = new Set<string>();
  for (const { name } of policies) {
    if (seen.has(name)) faults.push({ policy: name, path: 'name', message: 'another policy has this name already.' });
    seen.add(name);
  }
  const scopeOf = new Map(definitions.map((definition) => [definition?.name, definition?.appliesTo]));
  for (const [index, later] of policies.entries()) {
    for (const earlier of policies.slice(0, index)) {
      if (earlier.module !== later.module || earlier.name === later.name) continue;
      if (areDisjoint(scopeOf.get(earlier.name), scopeOf.get(later.name))) continue;
      for (const { path, text, rule } of later.owned) {
        const rival = earlier.owned.find((other) => overlaps(other.path, path));
        if (rival === undefined || (rival.text === text && sameRule(rival.rule, rule))) continue;
        faults.push({
          policy: later.name,
          path: `desired.${text}`,
          message: `wants ${describeRule(rule)}, but the policy ${earlier.name} wants ${describeRule(rival.rule)} at ${rival.text}.`,
        });
      }
    }
  }
  return faults;
}

function sameRule(left: OwnedProperty['rule'], right: OwnedProperty['rule']): boolean {
  return jsonEquals(JSON.parse(JSON.stringify(left)), JSON.parse(JSON.stringify(right)));
}

function describeRule({ rule, ...content }: OwnedProperty['rule']): string {
  return `${rule}(${Object.values(content)
    .map((value) => JSON.stringify(value))
    .join(', ')})`;
}
