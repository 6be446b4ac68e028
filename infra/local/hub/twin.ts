/**
 * A twin's document, without the identity that it belongs to.
 *
 * Version numbers follow what real twins show: every write by a service raises `desired.$version`, even one of tags only; the
 * ETag is that number; and the twin's `version` is the sum of both sections' versions. So a write to reported properties
 * raises `version` and leaves the ETag.
 */
import { timestamp } from './clock.ts';
import { invalid, shown } from './errors.ts';
import { twinEtag } from './etag.ts';
import { isObject, type JsonObject, type JsonValue, setOwn } from './json.ts';
import { mergePatch } from './merge-patch.ts';
import { checkSize, checkValues, type SectionName } from './twin-limits.ts';
import {
  clearing,
  EMPTY_SECTION,
  patchSection,
  renderSection,
  type Section,
  type Stamp,
  withoutNulls,
  writeSection,
} from './twin-section.ts';

export interface Twin {
  /** Absent until somebody writes tags. */
  readonly tags?: JsonObject;
  readonly desired: Section;
  readonly reported: Section;
}

/** What a service may write, read from a request: a missing section is left alone by PATCH, null removes all of it. */
export interface TwinWrite {
  readonly tags?: JsonObject | null;
  readonly desired?: JsonObject | null;
}

/** A twin after a patch, and the body of the `updateTwin` event for it. */
export interface PatchedTwin {
  readonly twin: Twin;
  readonly change: JsonObject;
}

export function versionOf(twin: Twin): number {
  return twin.desired.version + twin.reported.version;
}

export function etagOf(twin: Twin): string {
  return twinEtag(twin.desired.version);
}

/** The twin of a new identity, with what the request that made it gave. Throws 400 beyond the limits. */
export function newTwin(write: TwinWrite, now: number): Twin {
  const desired = withoutNulls(write.desired ?? {});
  const tags = write.tags === undefined || write.tags === null ? undefined : withoutNulls(write.tags);
  checkSize('properties.desired', desired);
  if (tags !== undefined) checkSize('tags', tags);
  return {
    ...(tags === undefined ? {} : { tags }),
    desired:
      Object.keys(desired).length === 0
        ? EMPTY_SECTION
        : writeSection(desired, desiredStamp(now, 1), EMPTY_SECTION.version),
    reported: EMPTY_SECTION,
  };
}

/** PATCH: merges tags and desired properties. A patch that changes no value is a write like any other. Throws 400 beyond the limits. */
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
    const patch = write.desired ?? clearing(twin.desired);
    const patched = patchSection(twin.desired, patch, desiredStamp(now, version), version);
    checkSize('properties.desired', patched.section.values);
    next = { ...next, desired: patched.section };
    change.properties = { desired: patched.change };
  }
  return { twin: next, change: { version: versionOf(next), ...change } };
}

/** PUT: tags and desired properties become exactly what is given; a section that is missing becomes empty. Throws 400 beyond the limits. */
export function replaceTwin(twin: Twin, write: TwinWrite, now: number): Twin {
  const version = twin.desired.version + 1;
  const tags = withoutNulls(write.tags ?? {});
  const desired = withoutNulls(write.desired ?? {});
  checkSize('tags', tags);
  checkSize('properties.desired', desired);
  return { tags, desired: writeSection(desired, desiredStamp(now, version), version), reported: twin.reported };
}

/** What an agent does: merges reported properties. Throws 400 beyond the limits. */
export function patchReported(twin: Twin, patch: JsonObject, now: number): PatchedTwin {
  // Azure leaves `$lastUpdatedVersion` out of the metadata of reported properties.
  const patched = patchSection(twin.reported, patch, { $lastUpdated: timestamp(now) }, twin.reported.version + 1);
  checkSize('properties.reported', patched.section.values);
  const next: Twin = { ...twin, reported: patched.section };
  return { twin: next, change: { version: versionOf(next), properties: { reported: patched.change } } };
}

/** The part of a twin document that comes from the twin itself, in the order that Azure writes it. */
export function renderTwin(twin: Twin): JsonObject {
  return {
    version: versionOf(twin),
    ...(twin.tags === undefined ? {} : { tags: twin.tags }),
    properties: { desired: renderSection(twin.desired), reported: renderSection(twin.reported) },
  };
}

/**
 * Reads tags and desired properties from a request's body. What a client sends back of a twin that it has read (metadata,
 * versions, reported properties, identity) is left out, as the hub does. Throws 400 on anything that a twin cannot hold.
 */
export function readTwinWrite(body: JsonValue): TwinWrite {
  if (!isObject(body)) throw invalid(`The twin must be a JSON object, not ${shown(body)}`);
  const properties = body.properties;
  if (properties !== undefined && properties !== null && !isObject(properties)) {
    throw invalid(`properties must be an object, not ${shown(properties)}`);
  }
  const tags = readSection('tags', body.tags);
  const desired = readSection('properties.desired', properties?.desired);
  return { ...(tags === undefined ? {} : { tags }), ...(desired === undefined ? {} : { desired }) };
}

/** Reads one section of a request. Throws 400 on anything that a twin cannot hold. */
export function readSection(name: SectionName, value: JsonValue | undefined): JsonObject | null | undefined {
  if (value === undefined || value === null) return value;
  if (!isObject(value)) throw invalid(`${name} must be an object, not ${shown(value)}`);
  const values: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key !== '$metadata' && key !== '$version') setOwn(values, key, item);
  }
  checkValues(name, values);
  return values;
}

function desiredStamp(now: number, version: number): Stamp {
  return { $lastUpdated: timestamp(now), $lastUpdatedVersion: version };
}
