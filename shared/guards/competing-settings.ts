import type { Configuration } from '../hub/index.ts';
import { baselineOf, checkValue, type Policy, repairValue } from '../policy/index.ts';
import { getAt, isJsonObject, type Json, type JsonObject, mergePatch, type Path, setAt } from '../twin/index.ts';
import { mayTarget } from './target-condition.ts';

/**
 * A competing setting: an automatic configuration or an IoT Edge deployment of the hub sets a path that a policy owns, to a value that
 * breaks the policy's rule.
 */
export interface CompetingSetting {
  /** Id of the configuration. */
  readonly configuration: string;
  readonly targetCondition: string;
  /** Priority of the configuration. When several configurations set a path, the hub applies the configuration with the highest priority. */
  readonly priority: number;
  /**
   * The twins that the setting concerns. `edgeModule`: an IoT Edge deployment sets a module of the IoT Edge devices that its condition
   * selects.
   */
  readonly about: 'device' | 'module' | 'edgeModule';
  readonly policy: string;
  /** The module of the policy. `''` for device twins. */
  readonly module: string;
  /** The path of the property, dotted, below `properties.desired`. */
  readonly path: string;
  /** The value that the configuration sets. `null` when the configuration removes the property. */
  readonly theirs: Json;
  /** The value that the policy wants. Absent when the policy wants no value at the path. */
  readonly wanted?: Json;
  /** Whether the policy sets `overrideConfigurations`. Twinkeeper then enforces the policy in spite of the configuration. */
  readonly overridden: boolean;
}

/**
 * Finds the settings of automatic configurations and IoT Edge deployments that break an enforcing policy. The hub and Twinkeeper would
 * overwrite such a property again and again.
 *
 * Each configuration is checked alone, regardless of its priority. A configuration that cannot target the policy's module is ignored. The
 * result is sorted by configuration and then by policy, in the order of the arguments. Pure.
 */
export function competingSettings(
  policies: readonly Policy[],
  configurations: readonly Configuration[],
): readonly CompetingSetting[] {
  const enforcing = policies.filter(({ mode }) => mode === 'enforce');
  return configurations.flatMap((configuration) => enforcing.flatMap((policy) => competingWith(policy, configuration)));
}

function competingWith(policy: Policy, configuration: Configuration): readonly CompetingSetting[] {
  const { id, targetCondition, priority } = configuration;
  const { about, content } = contentFor(policy.module, configuration);
  // The condition of a deployment is about devices, so the module id is not in it.
  const targeted = about === 'edgeModule' ? '' : policy.module;
  if (Object.keys(content).length === 0 || !mayTarget(targetCondition, targeted)) return [];
  // The baseline meets every rule of the policy. If a rule is broken after the content is applied, the configuration breaks that rule.
  const result = applyContent(baselineOf(policy), content);
  return policy.owned.flatMap(({ path, text, rule }): readonly CompetingSetting[] => {
    const theirs = getAt(result, path);
    if (checkValue(rule, theirs) === undefined) return [];
    const wanted = repairValue(rule);
    return [
      {
        configuration: id,
        targetCondition,
        priority,
        about,
        policy: policy.name,
        module: policy.module,
        path: text,
        theirs: theirs ?? null,
        ...(wanted === undefined ? {} : { wanted }),
        overridden: policy.overrideConfigurations,
      },
    ];
  });
}

/** The part of a configuration that concerns a module. `''` is the id of the device twin. */
function contentFor(
  module: string,
  { deviceContent, moduleContent, modulesContent }: Configuration,
): { readonly about: CompetingSetting['about']; readonly content: JsonObject } {
  if (module === '') return { about: 'device', content: deviceContent };
  if (modulesContent === undefined) return { about: 'module', content: moduleContent };
  const ofModule = Object.hasOwn(modulesContent, module) ? modulesContent[module] : undefined;
  return { about: 'edgeModule', content: ofModule ?? {} };
}

/**
 * Returns the desired properties after the hub applied the content of a configuration. Each key of the content is the dotted path of a
 * section, and the value replaces the whole section. The key `properties.desired` replaces all desired properties. The value `null` removes
 * the section. Other keys have no effect.
 */
function applyContent(properties: JsonObject, content: JsonObject): JsonObject {
  const sections = Object.entries(content).flatMap(([key, value]) => {
    const path = desiredPath(key);
    return path === undefined ? [] : [{ path, value }];
  });
  // Sections with shorter paths are applied first. Otherwise such a section would replace an inner section that the same configuration
  // sets.
  return sections.toSorted((a, b) => a.path.length - b.path.length).reduce(replaceAt, properties);
}

function replaceAt(properties: JsonObject, { path, value }: { readonly path: Path; readonly value: Json }): JsonObject {
  if (path.length === 0) return isJsonObject(value) ? mergePatch({}, value) : {};
  const without = mergePatch(properties, setAt({}, path, null));
  return value === null ? without : mergePatch(without, setAt({}, path, value));
}

function desiredPath(key: string): Path | undefined {
  const [properties, desired, ...path] = key.split('.');
  return properties === 'properties' && desired === 'desired' ? path : undefined;
}

/**
 * Describes a competing setting in one sentence, for logs and people. The sentence names the configuration, the value that the
 * configuration sets, and the value that the policy wants.
 */
export function describeCompeting(setting: CompetingSetting): string {
  const { configuration, priority, about, policy, module, path, theirs, wanted, overridden } = setting;
  const where = module === '' ? `${path} on devices` : `${path} on ${module}`;
  const does = theirs === null ? `removes ${where}` : `sets ${where} to ${shorten(theirs)}`;
  const wants = wanted === undefined ? 'wants no value there' : `wants ${shorten(wanted)}`;
  const end = overridden ? 'and overrides the configuration' : 'and leaves it alone where the configuration applies';
  const kind = about === 'edgeModule' ? 'IoT Edge deployment' : 'Configuration';
  return `${kind} ${configuration} (priority ${priority}) ${does}; policy ${policy} ${wants} ${end}.`;
}

const maxValueLength = 200;

function shorten(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text;
}
