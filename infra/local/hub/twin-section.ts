/**
 * One section of a twin, the desired or the reported properties. It contains the values, and metadata about the last write of every value.
 */
import { neverTimestamp } from './clock.ts';
import { isObject, type JsonObject, type JsonValue, own, setOwn } from './json.ts';
import { mergePatch } from './merge-patch.ts';

/**
 * The metadata of one write. All values of one write share the same object. With a hundred thousand twins, this saves gigabytes of memory.
 */
export interface Stamp {
  readonly $lastUpdated: string;
  /** The section's `$version` after the write. Only desired properties have this field, as in Azure. */
  readonly $lastUpdatedVersion?: number;
  /** The id of the configuration that made the write, and the digest of its content. Absent in any other write. */
  readonly $lastUpdatedBy?: string;
  readonly $lastUpdatedByDigest?: string;
}

export interface Section {
  readonly values: JsonObject;
  /** Metadata with the same structure as the values. Each level contains the metadata of its last write. */
  readonly metadata: JsonObject;
  readonly version: number;
}

/** A section after a patch, and the part of the twin change event that describes this section. */
export interface PatchedSection {
  readonly section: Section;
  readonly change: JsonObject;
}

/** The desired or reported section of a new twin: no properties, and version 1. */
export const emptySection: Section = { values: {}, metadata: { $lastUpdated: neverTimestamp }, version: 1 };

/** Creates a section with these values. Leaves out values that are null. `stamp` is the metadata of the write. */
export function writeSection(values: JsonObject, stamp: Stamp, version: number): Section {
  return patchSection({ values: {}, metadata: {}, version }, values, stamp, version).section;
}

/**
 * Merges a patch (RFC 7396) into a section. Every level that the patch contains gets the metadata `stamp`, even if the value stays the
 * same, as in Azure. `change` of the result contains the patch itself, and the metadata of the properties that it writes.
 */
export function patchSection(section: Section, patch: JsonObject, stamp: Stamp, version: number): PatchedSection {
  const merged = merge(section.values, section.metadata, patch, { ...stamp });
  return {
    section: { values: merged.values, metadata: merged.metadata, version },
    change: { ...patch, $metadata: merged.changed, $version: version },
  };
}

/** The section, as a twin document contains it. */
export function renderSection(section: Section): JsonObject {
  return { ...section.values, $metadata: section.metadata, $version: section.version };
}

/** Creates a patch that removes every property of the section. */
export function clearingPatch(section: Section): JsonObject {
  const patch: Record<string, JsonValue> = {};
  for (const key of Object.keys(section.values)) setOwn(patch, key, null);
  return patch;
}

interface Merged {
  readonly values: JsonObject;
  readonly metadata: JsonObject;
  readonly changed: JsonObject;
}

// Keeps the order of the keys. So the JavaScript engine can use one object layout for many twins with the same keys, which saves memory.
function merge(values: JsonObject, metadata: JsonObject, patch: JsonObject, stamp: JsonObject): Merged {
  const nextValues: Record<string, JsonValue> = {};
  const nextMetadata: Record<string, JsonValue> = { ...stamp };
  const changed: Record<string, JsonValue> = { ...stamp };
  const put = (key: string): void => {
    const change = patch[key];
    if (change === undefined || change === null) return;
    if (isObject(change)) {
      const current = own(values, key);
      const currentMetadata = own(metadata, key);
      const inner = isObject(current)
        ? merge(current, isObject(currentMetadata) ? currentMetadata : {}, change, stamp)
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

/** Returns the values without the properties that are null, at any depth. */
export function withoutNulls(values: JsonObject): JsonObject {
  return mergePatch({}, values);
}
