import { isJsonObject, type Json, type JsonObject } from './json.ts';
import type { Path } from './path.ts';

/** `properties.desired` or `properties.reported`, with the properties separated from the metadata. */
export interface TwinSection {
  /** The properties, without `$metadata` and `$version`. */
  readonly properties: JsonObject;
  /** `$metadata`: `$lastUpdated` and `$lastUpdatedVersion` at every level. `{}` when IoT Hub did not send it. */
  readonly metadata: JsonObject;
  /** `$version`, which each write to the section increases by one. 0 when IoT Hub did not send it. */
  readonly version: number;
}

/** A device twin or a module twin, reduced to the fields that policies and the history use. */
export interface Twin {
  readonly deviceId: string;
  /** The module id. `''` for a device twin. */
  readonly moduleId: string;
  /** The ETag for `If-Match`, without quotes. `''` when IoT Hub did not send it, as in some events. */
  readonly etag: string;
  /** The version of the twin. Every change of tags or properties increases it. */
  readonly version: number;
  readonly tags: JsonObject;
  readonly desired: TwinSection;
  readonly reported: TwinSection;
  /** True for an IoT Edge device (`capabilities.iotEdge`). */
  readonly edge: boolean;
}

/** The write that last changed a property, taken from the metadata of the section. */
export interface Write {
  /** The version of the section after the write: `$lastUpdatedVersion` in the metadata. */
  readonly version: number;
  /**
   * The time of the write, ISO 8601: `$lastUpdated` in the metadata. A recreated twin starts again at version 1, so only the time tells
   * it from the old twin.
   */
  readonly at: string;
  /** False when the metadata of the property itself is missing. The write is then that of an object above the property. */
  readonly exact: boolean;
}

/** Reads a section of a twin or of a patch. Any value other than an object gives an empty section. */
export function toSection(raw: Json | undefined): TwinSection {
  if (!isJsonObject(raw)) return { properties: {}, metadata: {}, version: 0 };
  const { $metadata, $version, ...properties } = raw;
  return {
    properties,
    metadata: isJsonObject($metadata) ? $metadata : {},
    version: typeof $version === 'number' ? $version : 0,
  };
}

/**
 * Reads a twin from the JSON of an IoT Hub answer or event. The caller gives the ids, which it knows from the request or the event's
 * properties. A missing field gets an empty value. Returns `undefined` when `raw` is not a JSON object.
 */
export function toTwin(raw: unknown, deviceId: string, moduleId: string): Twin | undefined {
  if (!isJsonObject(raw)) return undefined;
  const properties = isJsonObject(raw.properties) ? raw.properties : {};
  const capabilities = isJsonObject(raw.capabilities) ? raw.capabilities : {};
  return {
    deviceId,
    moduleId,
    etag: typeof raw.etag === 'string' ? raw.etag.replace(/^(W\/)?"|"$/g, '') : '',
    version: typeof raw.version === 'number' ? raw.version : 0,
    tags: isJsonObject(raw.tags) ? raw.tags : {},
    desired: toSection(properties.desired),
    reported: toSection(properties.reported),
    edge: capabilities.iotEdge === true,
  };
}

/** True for a date and time in ISO 8601, in the forms that IoT Hub writes. */
export function isTimestamp(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]{4,20}(Z|[+-]\d\d:?\d\d)?$/.test(text) && !Number.isNaN(Date.parse(text));
}

/**
 * The write that last changed the property at `path`. When the property is missing, the write of the nearest object above it, because
 * IoT Hub updates that object's metadata when a property is removed. `undefined` when the metadata names no time.
 */
export function writeAt(section: TwinSection, path: Path): Write | undefined {
  let level: Json | undefined = section.metadata;
  let write: Write | undefined;
  for (let depth = 0; isJsonObject(level); depth++) {
    const { $lastUpdated: at, $lastUpdatedVersion: version } = level;
    if (typeof at === 'string' && isTimestamp(at))
      write = { at, version: typeof version === 'number' ? version : section.version, exact: depth === path.length };
    const key = path[depth];
    if (key === undefined || !Object.hasOwn(level, key)) break;
    level = level[key];
  }
  return write;
}
