/**
 * Applies automatic configurations and IoT Edge deployments to twins. IoT Hub does so when a configuration is created or changed, and again
 * every five minutes.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { predicateOf } from '../../../shared/query/index.ts';
import type { ConfigurationTarget, ConfigurationWrite } from './configuration-content.ts';
import type { Configuration, Configurations } from './configurations.ts';
import { isObject, type JsonObject, type JsonValue, own, setOwn } from './json.ts';
import { mergePatch } from './merge-patch.ts';
import { deviceTwins, type ListedTwin, moduleTwins, renderWhole } from './registered-twin.ts';
import type { Registry } from './registry.ts';
import type { WriteAuthor } from './twin.ts';
import { withoutNulls } from './twin-section.ts';

interface Wanted extends ConfigurationWrite {
  readonly author: WriteAuthor;
}

/**
 * Writes the settings of all configurations that differ from the twins. Where two configurations set the same property, the one with the
 * higher priority wins.
 */
export function applyConfigurations(registry: Registry, configurations: Configurations): void {
  const wantedByTwin = new Map<string, { readonly twin: ListedTwin; readonly wanted: Wanted[] }>();
  for (const { configuration, target } of configurations.byPriority()) {
    const author = authorOf(configuration);
    for (const [twin, write] of targetedTwins(registry, target)) {
      const key = JSON.stringify(twin.target);
      const entry = wantedByTwin.get(key) ?? { twin, wanted: [] };
      wantedByTwin.set(key, entry);
      // A higher priority replaces the whole section, so nothing remains of the lower priorities.
      if (write.replacement !== undefined) entry.wanted.length = 0;
      for (const [index, lower] of entry.wanted.entries()) {
        entry.wanted[index] = { ...lower, patch: withoutPathsOf(lower.patch, write.patch) };
      }
      entry.wanted.push({ ...write, author });
    }
  }
  for (const { twin, wanted } of wantedByTwin.values()) writeAll(registry, twin, wanted);
}

function writeAll(registry: Registry, { target, registered }: ListedTwin, wanted: readonly Wanted[]): void {
  const lowest = wanted[0]?.replacement;
  const before = registered.twin.desired.values;
  const after = wanted.reduce(
    (values, { patch }) => mergePatch(values, patch),
    lowest === undefined ? before : withoutNulls(lowest),
  );
  if (isDeepStrictEqual(before, after)) return;
  for (const { replacement, patch, author } of wanted) {
    if (replacement !== undefined) {
      registry.applyConfiguration(target, { replacement: mergePatch(withoutNulls(replacement), patch) }, author);
    } else if (Object.keys(patch).length > 0) {
      registry.applyConfiguration(target, { patch }, author);
    }
  }
}

function* targetedTwins(
  registry: Registry,
  { source, condition, edgeOnly, write, modules }: ConfigurationTarget,
): Iterable<readonly [ListedTwin, ConfigurationWrite]> {
  if (condition === 'none') return;
  const holds = condition === 'all' ? () => true : predicateOf(condition);
  const targeted = [...(source === 'devices' ? deviceTwins : moduleTwins)(registry.devices)].filter(
    ({ target, registered }) => (!edgeOnly || registered.identity.iotEdge) && holds(renderWhole(target, registered)),
  );
  if (modules === undefined) {
    if (write !== undefined) for (const twin of targeted) yield [twin, write];
    return;
  }
  const deviceIds = new Set(targeted.map(({ target }) => target.deviceId));
  for (const twin of moduleTwins(registry.devices)) {
    const { deviceId, moduleId = '' } = twin.target;
    const ofModule = Object.hasOwn(modules, moduleId) ? modules[moduleId] : undefined;
    if (ofModule !== undefined && deviceIds.has(deviceId)) yield [twin, ofModule];
  }
}

/** The patch without the properties that the other patch sets too. */
function withoutPathsOf(patch: JsonObject, other: JsonObject): JsonObject {
  const result: Record<string, JsonValue> = {};
  for (const [key, value] of Object.entries(patch)) {
    const theirs = own(other, key);
    if (theirs === undefined) setOwn(result, key, value);
    else if (isObject(value) && isObject(theirs)) setOwn(result, key, withoutPathsOf(value, theirs));
  }
  return result;
}

function authorOf({ id, content }: Configuration): WriteAuthor {
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return { $lastUpdatedBy: id, $lastUpdatedByDigest: digest };
}
