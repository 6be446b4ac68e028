/**
 * A twin: tags, desired properties and reported properties, without the identity.
 *
 * Versions behave as in Azure. Every write of a service raises `desired.$version`, even a write of tags only. The ETag encodes this number.
 * The twin's `version` is the sum of the versions of both sections. So a write of reported properties raises `version`, but does not change
 * the ETag.
 */
import { timestamp } from './clock.ts';
import { twinEtag } from './etag.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import { mergePatch } from './merge-patch.ts';
import { checkSize } from './twin-limits.ts';
import {
  clearingPatch,
  emptySection,
  patchSection,
  renderSection,
  type Section,
  type Stamp,
  withoutNulls,
  writeSection,
} from './twin-section.ts';

export interface Twin {
  /** Absent until the first write of tags. */
  readonly tags?: JsonObject;
  readonly desired: Section;
  readonly reported: Section;
}

/** The sections that a service may write. If a section is missing, PATCH does not change it. If a section is null, the write clears it. */
export interface TwinWrite {
  readonly tags?: JsonObject | null;
  readonly desired?: JsonObject | null;
}

/** A twin after a patch, and the body of the `updateTwin` event about this patch. */
export interface PatchedTwin {
  readonly twin: Twin;
  readonly change: JsonObject;
}

/** The configuration that made a write. The metadata of the written properties names it. */
export interface WriteAuthor {
  readonly $lastUpdatedBy: string;
  readonly $lastUpdatedByDigest: string;
}

/** A write of a configuration: the whole new desired section, or a patch of it. */
export type AuthoredWrite = { readonly replacement: JsonObject } | { readonly patch: JsonObject };

export function versionOf(twin: Twin): number {
  return twin.desired.version + twin.reported.version;
}

export function etagOf(twin: Twin): string {
  return twinEtag(twin.desired.version);
}

/** Creates the twin of a new identity. `now` is in milliseconds since 1970. Throws 400 if the twin exceeds the twin limits. */
export function newTwin(write: TwinWrite, now: number): Twin {
  const desired = withoutNulls(write.desired ?? {});
  const tags = write.tags === undefined || write.tags === null ? undefined : withoutNulls(write.tags);
  checkSize('properties.desired', desired);
  if (tags !== undefined) checkSize('tags', tags);
  return {
    ...(tags === undefined ? {} : { tags }),
    desired:
      Object.keys(desired).length === 0
        ? emptySection
        : writeSection(desired, desiredStamp(now, 1), emptySection.version),
    reported: emptySection,
  };
}

/**
 * PATCH: merges tags and desired properties. A patch raises the version even if no value changes. Throws 400 if the twin would exceed the
 * twin limits.
 */
export function patchTwin(twin: Twin, write: TwinWrite, now: number): PatchedTwin {
  const version = twin.desired.version + 1;
  const change: Record<string, JsonValue> = {};
  let next: Twin = { ...twin, desired: { ...twin.desired, version } };
  if (write.tags !== undefined) {
    const tags = write.tags === null ? {} : mergePatch(twin.tags ?? {}, write.tags);
    checkSize('tags', tags);
    next = { ...next, tags };
    change.tags = write.tags;
  }
  if (write.desired !== undefined) {
    const patch = write.desired ?? clearingPatch(twin.desired);
    const patched = patchSection(twin.desired, patch, desiredStamp(now, version), version);
    checkSize('properties.desired', patched.section.values);
    next = { ...next, desired: patched.section };
    change.properties = { desired: patched.change };
  }
  return { twin: next, change: { version: versionOf(next), ...change } };
}

/**
 * PUT: replaces tags and desired properties. A section that is missing in the write becomes empty. Throws 400 if the twin would exceed the
 * twin limits.
 */
export function replaceTwin(twin: Twin, write: TwinWrite, now: number): Twin {
  const version = twin.desired.version + 1;
  const tags = withoutNulls(write.tags ?? {});
  const desired = withoutNulls(write.desired ?? {});
  checkSize('tags', tags);
  checkSize('properties.desired', desired);
  return { tags, desired: writeSection(desired, desiredStamp(now, version), version), reported: twin.reported };
}

/**
 * The write of a configuration. The event about it has the whole desired section, as in Azure, but metadata only for the properties that
 * were written. Throws 400 if the twin would exceed the twin limits.
 */
export function writeAuthored(twin: Twin, write: AuthoredWrite, author: WriteAuthor, now: number): PatchedTwin {
  const version = twin.desired.version + 1;
  const before = 'replacement' in write ? { ...twin.desired, values: {}, metadata: {} } : twin.desired;
  const patch = 'replacement' in write ? write.replacement : write.patch;
  const stamp = desiredStamp(now, version);
  const { section, change } = patchSection(before, patch, { ...stamp, ...author }, version);
  checkSize('properties.desired', section.values);
  // Only the metadata of the written properties contains the id of the configuration. The metadata of the section itself does not.
  const desired = { ...section, metadata: { ...withoutAuthor(section.metadata) } };
  const metadata = withoutAuthor(isObject(change.$metadata) ? change.$metadata : {});
  const next: Twin = { ...twin, desired };
  return {
    twin: next,
    change: {
      version: versionOf(next),
      properties: { desired: { ...desired.values, $metadata: metadata, $version: version } },
    },
  };
}

function withoutAuthor({ $lastUpdatedBy: _, $lastUpdatedByDigest: __, ...metadata }: JsonObject): JsonObject {
  return metadata;
}

/** Merges a patch into the reported properties, as a device does. Throws 400 if the twin would exceed the twin limits. */
export function patchReported(twin: Twin, patch: JsonObject, now: number): PatchedTwin {
  // The metadata of reported properties has no `$lastUpdatedVersion`, as in Azure.
  const patched = patchSection(twin.reported, patch, { $lastUpdated: timestamp(now) }, twin.reported.version + 1);
  checkSize('properties.reported', patched.section.values);
  const next: Twin = { ...twin, reported: patched.section };
  return { twin: next, change: { version: versionOf(next), properties: { reported: patched.change } } };
}

/** The fields of a twin in a twin document, in the same order as in Azure. */
export function renderTwin(twin: Twin): JsonObject {
  return {
    version: versionOf(twin),
    ...(twin.tags === undefined ? {} : { tags: twin.tags }),
    properties: { desired: renderSection(twin.desired), reported: renderSection(twin.reported) },
  };
}

function desiredStamp(now: number, version: number): Stamp {
  return { $lastUpdated: timestamp(now), $lastUpdatedVersion: version };
}
