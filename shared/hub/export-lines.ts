import { isJsonObject, type JsonObject, toSection } from '../twin/index.ts';
import { parseJson } from './parse-json.ts';

/**
 * A twin as an export job writes it. A field is absent where the line does not have it. **An export has no metadata, no versions and no times of
 * writes**: the page "Import and export IoT Hub device identities in bulk" showed them until somebody noticed that the hub does not write them
 * (azure-docs, issue 116520). A real line is in issue 1146 of azure-iot-sdk-csharp.
 */
export interface ExportedTwin {
  readonly deviceId: string;
  /** The module id. `''` for a device twin. */
  readonly moduleId: string;
  readonly tags?: JsonObject;
  readonly desired?: JsonObject;
  readonly reported?: JsonObject;
  /** Whether the device is an IoT Edge device. */
  readonly edge?: boolean;
}

/** Reads one line of the blob of an export job. `undefined` for a line that is no twin. */
export function readExportLine(line: string): ExportedTwin | undefined {
  const body = parseJson(line);
  if (!isJsonObject(body)) return undefined;
  const { id, moduleId, tags, properties, capabilities } = body;
  if (typeof id !== 'string' || id === '') return undefined;
  if (moduleId !== undefined && moduleId !== null && typeof moduleId !== 'string') return undefined;
  const { desired, reported } = isJsonObject(properties) ? properties : {};
  const edge = isJsonObject(capabilities) ? capabilities.iotEdge : undefined;
  return {
    deviceId: id,
    moduleId: moduleId ?? '',
    ...(isJsonObject(tags) ? { tags } : {}),
    ...(isJsonObject(desired) ? { desired: toSection(desired).properties } : {}),
    ...(isJsonObject(reported) ? { reported: toSection(reported).properties } : {}),
    ...(typeof edge === 'boolean' ? { edge } : {}),
  };
}
