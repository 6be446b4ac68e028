import { isJsonObject, type Json, type JsonObject } from './json.ts';
import type { Path } from './path.ts';

/** `properties.desired` or `properties.reported`, its content and its bookkeeping apart. */
export interface TwinSection {
  /** The properties, without `$metadata` and `$version`. */
  readonly properties: JsonObject;
  /** `$metadata`: `$lastUpdated` and `$lastUpdatedVersion` at every level. `{}` where it was not sent. */
  readonly metadata: JsonObject;
  /** `$version`, which grows by one with each write to the section. 0 where it was not sent. */
  readonly version: number;
}

/** A device twin or a module twin, as far as policies and the history look at it. */
export interface Twin {
  readonly deviceId: string;
  /** `''` for a device's own twin. */
  readonly moduleId: string;
  /** For `If-Match`, without quotes. `''` where it was not sent, as in some events. */
  readonly etag: string;
  /** Grows with every change of tags or properties. */
  readonly version: number;
  readonly tags: JsonObject;
  readonly desired: TwinSection;
  readonly reported: TwinSection;
  /** Whether the device is an IoT Edge device (`capabilities.iotEdge`). */
  readonly edge: boolean;
}

/** The write that last changed a property, as the section's metadata names it. */
export interface Write {
  /** `$lastUpdatedVersion`. */
  readonly version: number;
  /** `$lastUpdated`, ISO 8601. Tells a recreated twin, whose versions start again, from the old one. */
  readonly at: string;
  /** False when only a later write is known: something was removed, and its surroundings may have been written since. */
  readonly exact: boolean;
}

/** A section of a twin or of a patch. Anything but an object gives an empty section. */
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
 * A twin from the JSON that IoT Hub sends, in answers and in events alike. The ids are given by the caller, who knows them from
 * the request or the event's envelope. Missing parts become empty ones; `undefined` when `raw` is no twin at all.
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

/** True for a moment in ISO 8601 as IoT Hub writes it: date and time, and nothing that only some parsers would take. */
export function isTimestamp(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]{4,20}(Z|[+-]\d\d:?\d\d)?$/.test(text) && !Number.isNaN(Date.parse(text));
}

/**
 * The write that brought a path to its present state: the metadata of the path itself or, where nothing is there, of the nearest
 * level above it, because removing a property marks the level that held it. `undefined` when there is no metadata at all.
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
