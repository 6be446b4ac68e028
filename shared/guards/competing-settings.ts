import type { Configuration } from '../hub/index.ts';
import { baselineOf, checkRule, type Policy, repairValue } from '../policy/index.ts';
import { getAt, isJsonObject, type Json, type JsonObject, mergePatch, type Path, setAt } from '../twin/index.ts';
import type { CompetingSetting } from './guard-store.ts';
import { mayTarget } from './target-condition.ts';

/**
 * Where the hub's automatic configurations set what breaks an enforcing policy, so that both would write for ever. Each configuration
 * is taken by itself, whatever its priority; one that targets nothing, or other modules only, competes with nothing. In the order of
 * the configurations, then of the policies. Pure.
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
  // What the policy itself would put there keeps to every rule: whatever breaks one now is the configuration's doing.
  const result = applyContent(baselineOf(policy), content);
  return policy.owned.flatMap(({ path, text, rule }): readonly CompetingSetting[] => {
    const theirs = getAt(result, path);
    if (checkRule(rule, theirs) === undefined) return [];
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
 * Desired properties after a configuration's content has been put into them. Each of its keys is the dotted path of a section, which is
 * replaced as a whole; `properties.desired` by itself replaces everything. `null` removes. Keys about anything else do nothing here.
 */
function applyContent(properties: JsonObject, content: JsonObject): JsonObject {
  const sections = Object.entries(content).flatMap(([key, value]) => {
    const path = desiredPath(key);
    return path === undefined ? [] : [{ path, value }];
  });
  // From the outside in, so that what is said of a part stands beside what is said of the whole.
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

/** One sentence about a competing setting, for logs and for people: which configuration sets what where, and what the policy wants. */
export function describeCompeting(setting: CompetingSetting): string {
  const { configuration, priority, policy, module, path, theirs, wanted, overridden } = setting;
  const where = module === '' ? `${path} on devices` : `${path} on ${module}`;
  const does = theirs === null ? `removes ${where}` : `sets ${where} to ${shown(theirs)}`;
  const wants = wanted === undefined ? 'wants nothing there' : `wants ${shown(wanted)}`;
  const end = overridden ? 'and overrides it' : 'and leaves it alone where the configuration applies';
  return `Configuration ${configuration} (priority ${priority}) ${does}; policy ${policy} ${wants} ${end}.`;
}

const longestValue = 200;

function shown(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
