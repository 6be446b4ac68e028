/**
 * A section of a twin's properties, desired or reported: values, and for every level of them the metadata that says which
 * write touched it last.
 */
import { NEVER } from './clock.ts';
import { isObject, type JsonObject, type JsonValue, own, setOwn } from './json.ts';
import { mergePatch } from './merge-patch.ts';

/**
 * What one write leaves on everything that it touches. All leaves of one write share one object: with a hundred thousand
 * twins that is the difference between megabytes and gigabytes.
 */
export interface Stamp {
  readonly $lastUpdated: string;
  /** The section's `$version` after that write. Azure keeps it for desired properties only. */
  readonly $lastUpdatedVersion?: number;
}

export interface Section {
  readonly values: JsonObject;
  /** A stamp at every level, with the metadata of each property of that level beside it. */
  readonly metadata: JsonObject;
  readonly version: number;
}

/** What a patch did to a section: the section after it, and the part of the twin change event that tells of it. */
export interface PatchedSection {
  readonly section: Section;
  readonly change: JsonObject;
}

/** The section of a twin that nobody has written to. */
export const EMPTY_SECTION: Section = { values: {}, metadata: { $lastUpdated: NEVER }, version: 1 };

/** A section whose values are all new, with the given version. Nulls in the values mean nothing and are left out. */
export function writeSection(values: JsonObject, stamp: Stamp, version: number): Section {
  return patchSection({ values: {}, metadata: {}, version }, values, stamp, version).section;
}

/**
 * Merges a patch (RFC 7396) into a section. Every level that the patch names gets the stamp, even where the value stays the
 * same, because that is what Azure does. The change has the patch as it was sent, with the metadata of what it named.
 */
export function patchSection(section: Section, patch: JsonObject, stamp: Stamp, version: number): PatchedSection {
  const merged = merge(section.values, section.metadata, patch, { ...stamp });
  return {
    section: { values: merged.values, metadata: merged.metadata, version },
    change: { ...patch, $metadata: merged.changed, $version: version },
  };
}

/** The section as reads and whole-twin events show it. */
export function renderSection(section: Section): JsonObject {
  return { ...section.values, $metadata: section.metadata, $version: section.version };
}

/** A patch that removes every property of the section. */
export function clearing(section: Section): JsonObject {
  const patch: Record<string, JsonValue> = {};
  for (const key of Object.keys(section.values)) setOwn(patch, key, null);
  return patch;
}

interface Merged {
  readonly values: JsonObject;
  readonly metadata: JsonObject;
  readonly changed: JsonObject;
}

// Keeps the order of the keys, so that twins with the same properties also share their shape in memory.
function merge(values: JsonObject, metadata: JsonObject, patch: JsonObject, stamp: JsonObject): Merged {
  const nextValues: Record<string, JsonValue> = {};
  const nextMetadata: Record<string, JsonValue> = { ...stamp };
  const changed: Record<string, JsonValue> = { ...stamp };
  const put = (key: string): void => {
    const change = patch[key];
    if (change === undefined || change === null) return;
    if (isObject(change)) {
      const current = own(values, key);
      const about = own(metadata, key);
      const inner = isObject(current)
        ? merge(current, isObject(about) ? about : {}, change, stamp)
        : merge({}, {}, change, stamp);
      setOwn(nextValues, key, inner.values);
      setOwn(nextMetadata, key, inner.metadata);
      setOwn(changed, key, inner.changed);
    } else {
      setOwn(nextValues, key, change);
      setOwn(nextMetadata, key, stamp);
      setOwn(changed, key, stamp);
    }
  };
  for (const key of Object.keys(values)) {
    if (Object.hasOwn(patch, key)) {
      put(key);
    } else {
      setOwn(nextValues, key, values[key] ?? null);
      setOwn(nextMetadata, key, own(metadata, key) ?? stamp);
    }
  }
  for (const key of Object.keys(patch)) if (!Object.hasOwn(values, key)) put(key);
  return { values: nextValues, metadata: nextMetadata, changed };
}

/** The values that a replacement leaves: what it says, without its nulls. */
export function withoutNulls(values: JsonObject): JsonObject {
  return mergePatch({}, values);
}
