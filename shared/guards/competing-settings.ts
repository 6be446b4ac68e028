import type { Configuration } from '../hub/index.ts';
import { baselineOf, checkValue, type Policy, repairValue } from '../policy/index.ts';
import { getAt, isJsonObject, type Json, type JsonObject, mergePatch, type Path, setAt } from '../twin/index.ts';
import { mayTarget } from './target-condition.ts';

/** A path that a policy owns, and that an automatic configuration of the hub sets to a value that breaks the policy's rule. */
export interface CompetingSetting {
  /** The configuration's id. */
  readonly configuration: string;
  readonly targetCondition: string;
  /** When several configurations set a path, the hub applies the one with the highest priority. */
  readonly priority: number;
  /** Whether the setting concerns devices' own twins or module twins. */
  readonly about: 'device' | 'module';
  readonly policy: string;
  /** The policy's module. `''` for devices' own twins. */
  readonly module: string;
  /** The policy's path, dotted, below `properties.desired`. */
  readonly path: string;
  /** The value that the configuration sets. `null` when the configuration removes the property. */
  readonly theirs: Json;
  /** The value that the policy would set. Absent when the policy wants no value there. */
  readonly wanted?: Json;
  /** The policy sets `overrideConfigurations`, so it is enforced in spite of the configuration. */
  readonly overridden: boolean;
}

/**
 * The settings of automatic configurations that break an enforcing policy. The hub and Twinkeeper would overwrite such a property without
 * end. Each configuration is checked by itself, regardless of its priority. A configuration that cannot target the policy's module does
 * not compete. The result is sorted by configuration, then by policy, in the order of the arguments. Pure.
 */
export function competingSettings(
  policies: readonly Policy[],
  configurations: readonly Configuration[],
): readonly CompetingSetting[] {
  const enforcing = policies.filter(({ mode }) => mode === 'enforce');
  return configurations.flatMap((configuration) => enforcing.flatMap((policy) => competingWith(policy, configuration)));
}

function competingWith(policy: Policy, configuration: Configuration): readonly CompetingSetting[] {
  const { id, targetCondition, priority, deviceContent, moduleContent } = configuration;
  const about = policy.module === '' ? 'device' : 'module';
  const content = about === 'device' ? deviceContent : moduleContent;
  if (Object.keys(content).length === 0 || !mayTarget(targetCondition, policy.module)) return [];
  // The baseline meets every rule. A rule that breaks after the content is applied is therefore broken by the configuration.
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

/**
 * Desired properties after a configuration's content was applied. Each key of the content is the dotted path of a section, and its value
 * replaces the whole section. The key `properties.desired` replaces all properties. `null` removes a section. Other keys have no effect.
 */
function applyContent(properties: JsonObject, content: JsonObject): JsonObject {
  const sections = Object.entries(content).flatMap(([key, value]) => {
    const path = desiredPath(key);
    return path === undefined ? [] : [{ path, value }];
  });
  // Outer sections come first, so that they do not replace an inner section of the same content.
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

/** A sentence for logs and for people about a competing setting: the configuration, its value, and the value that the policy wants. */
export function describeCompeting(setting: CompetingSetting): string {
  const { configuration, priority, policy, module, path, theirs, wanted, overridden } = setting;
  const where = module === '' ? `${path} on devices` : `${path} on ${module}`;
  const does = theirs === null ? `removes ${where}` : `sets ${where} to ${shorten(theirs)}`;
  const wants = wanted === undefined ? 'wants no value there' : `wants ${shorten(wanted)}`;
  const end = overridden ? 'and overrides the configuration' : 'and leaves it alone where the configuration applies';
  return `Configuration ${configuration} (priority ${priority}) ${does}; policy ${policy} ${wants} ${end}.`;
}

const maxValueLength = 200;

function shorten(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > maxValueLength ? `${text.slice(0, maxValueLength)}…` : text;
}
