import { isJsonObject, type Json, type JsonObject } from './json.ts';
import type { Path } from './path.ts';

/** `properties.desired` or `properties.reported` of a twin. The properties are separated from `$metadata` and `$version`. */
export interface TwinSection {
  /** The desired or reported properties, without `$metadata` and `$version`. */
  readonly properties: JsonObject;
  /**
   * The object `$metadata`. It has `$lastUpdated` and `$lastUpdatedVersion` for each property and each object. `{}` when IoT Hub did not
   * send it.
   */
  readonly metadata: JsonObject;
  /**
   * The number `$version`. IoT Hub counts the writes to desired properties and to reported properties separately. Each write increases the
   * number by one. 0 when IoT Hub did not send it.
   */
  readonly version: number;
}

/** A device twin or a module twin. It has only the fields that policies and the history use. */
export interface Twin {
  readonly deviceId: string;
  /** The module id. `''` for a device twin. */
  readonly moduleId: string;
  /**
   * The ETag of the twin, without quotes. A patch sends it in the header `If-Match`. `''` when IoT Hub did not send it: some events have
   * no ETag.
   */
  readonly etag: string;
  /** The version of the whole twin. Every change of tags or properties increases it. 0 when IoT Hub did not send it. */
  readonly version: number;
  readonly tags: JsonObject;
  readonly desired: TwinSection;
  readonly reported: TwinSection;
  /** True for an IoT Edge device (`capabilities.iotEdge`). */
  readonly edge: boolean;
}

/** The write that last changed a property, as recorded in `$metadata` of the desired or reported properties. */
export interface Write {
  /**
   * `$lastUpdatedVersion` in `$metadata`: the `$version` of the desired or reported properties after the write. When it is missing, the
   * present `$version`.
   */
  readonly version: number;
  /**
   * `$lastUpdated` in `$metadata`: the time of the write, ISO 8601. When a twin is deleted and created again, `$version` starts at 1
   * again. Two different writes can then have the same version, and only their times differ.
   */
  readonly at: string;
  /**
   * False when `$metadata` has no entry for the property itself. `version` and `at` then belong to an object that contains the property.
   */
  readonly exact: boolean;
  /** `$lastUpdatedBy` in `$metadata`: the id of the configuration of the hub that made the write. Absent when no configuration made it. */
  readonly by?: string;
}

/**
 * Reads the value of `properties.desired` or `properties.reported` from a twin or an event. For a value that is not an object, the result
 * has no properties.
 */
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
 * Reads a twin from the JSON of an answer or an event of IoT Hub. The caller knows the ids from its request or from the properties of the
 * event. A field that is missing in the JSON gets an empty value, such as `''`, 0 or `{}`. Returns `undefined` when `raw` is not a JSON
 * object.
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

/** Maximum number of characters in the id of a configuration. Source: "Automatic device and module management". */
const longestConfigurationId = 128;

/** True for an ISO 8601 date and time in one of the forms that IoT Hub writes. */
export function isTimestamp(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT[\d:.]{4,20}(Z|[+-]\d\d:?\d\d)?$/.test(text) && !Number.isNaN(Date.parse(text));
}

/**
 * Finds the write that last changed the property at `path`. For a missing property, this is the write of the nearest object above the
 * property: IoT Hub updates the metadata of that object when it removes the property. `undefined` when the metadata have no valid time.
 */
export function writeAt(section: TwinSection, path: Path): Write | undefined {
  let level: Json | undefined = section.metadata;
  let write: Write | undefined;
  for (let depth = 0; isJsonObject(level); depth++) {
    const { $lastUpdated: at, $lastUpdatedVersion: version, $lastUpdatedBy: by } = level;
    if (typeof at === 'string' && isTimestamp(at)) {
      write = {
        at,
        version: typeof version === 'number' ? version : section.version,
        exact: depth === path.length,
        ...(typeof by === 'string' && by !== '' ? { by: by.slice(0, longestConfigurationId) } : {}),
      };
    }
    const key = path[depth];
    if (key === undefined || !Object.hasOwn(level, key)) break;
    level = level[key];
  }
  return write;
}
