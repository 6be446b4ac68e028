/** Reads the tags and desired properties in the body of a request, and refuses a body that IoT Hub refuses. */
import { invalid, preview } from './errors.ts';
import { isObject, type JsonObject, type JsonValue, setOwn } from './json.ts';
import type { TwinWrite } from './twin.ts';
import { checkValues, type SectionName } from './twin-limits.ts';

/**
 * Reads tags and desired properties from a request body. Ignores metadata, versions, reported properties and identity fields, because
 * clients that have read a twin send them back. Throws 400 if a key or value is not allowed in a twin.
 */
export function readTwinWrite(body: JsonValue): TwinWrite {
  if (!isObject(body)) throw invalid(`The twin must be a JSON object, not ${preview(body)}`);
  const properties = body.properties;
  if (properties !== undefined && properties !== null && !isObject(properties)) {
    throw invalid(`properties must be an object, not ${preview(properties)}`);
  }
  const tags = readSection('tags', body.tags);
  const desired = readSection('properties.desired', properties?.desired);
  return { ...(tags === undefined ? {} : { tags }), ...(desired === undefined ? {} : { desired }) };
}

/**
 * Reads the body of a PUT, as {@link readTwinWrite} does. Throws 400 also if tags or desired properties contain a null: a replacement has
 * nothing to remove.
 */
export function readTwinReplacement(body: JsonValue): TwinWrite {
  const write = readTwinWrite(body);
  for (const [name, values] of Object.entries(write)) {
    if (containsNull(values)) throw invalid(`${name} must not contain null: a PUT replaces the whole twin`);
  }
  return write;
}

function containsNull(value: JsonValue): boolean {
  return value === null || (isObject(value) && Object.values(value).some(containsNull));
}

/**
 * Reads one section of a request body, without `$metadata` and `$version`. Returns a missing section or null unchanged. Throws 400 if a key
 * or value is not allowed in a twin.
 */
export function readSection(name: SectionName, value: JsonValue | undefined): JsonObject | null | undefined {
  if (value === undefined || value === null) return value;
  if (!isObject(value)) throw invalid(`${name} must be an object, not ${preview(value)}`);
  const values: Record<string, JsonValue> = {};
  for (const [key, item] of Object.entries(value)) {
    if (key !== '$metadata' && key !== '$version') setOwn(values, key, item);
  }
  checkValues(name, values);
  return values;
}
