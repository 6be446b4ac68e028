/**
 * Bulk registry operations, `POST /devices`. Each entry succeeds or fails by itself.
 *
 * When an entry fails, the status is 400 with the header `iothub-errorcode: BulkRegistryOperationFailure`, and the body lists the
 * failed entries. The .NET SDK treats this 400 as a result. The Node SDK throws an `ArgumentError` with the body as `responseBody`.
 */
import { HubError, invalid, preview } from './errors.ts';
import { type IfMatch, parseIfMatch } from './etag.ts';
import { readIdentityWrite } from './identity.ts';
import type { Target } from './ids.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import type { Registry } from './registry.ts';
import { readTwinWrite } from './twin.ts';

/** "A maximum of 100 devices can be specified per invocation." (Bulk Registry - Update Registry) */
const maxBulkEntries = 100;

const importModes = {
  create: (registry, target, entry) => registry.create(target, readIdentityWrite(entry), readTwinWrite(entry)),
  update: (registry, target, entry) => registry.update(target, readIdentityWrite(entry), '*'),
  updateifmatchetag: (registry, target, entry) =>
    registry.update(target, readIdentityWrite(entry), requiredEtag(entry, 'eTag')),
  delete: (registry, target) => registry.delete(target, '*'),
  deleteifmatchetag: (registry, target, entry) => registry.delete(target, requiredEtag(entry, 'eTag')),
  updatetwin: (registry, target, entry) => registry.patchTwin(target, readTwinWrite(entry), '*'),
  updatetwinifmatchetag: (registry, target, entry) =>
    registry.patchTwin(target, readTwinWrite(entry), requiredEtag(entry, 'twinETag')),
} satisfies Record<string, (registry: Registry, target: Target, entry: JsonObject) => unknown>;

type ImportMode = keyof typeof importModes;

interface Operation {
  readonly mode: ImportMode;
  readonly target: Target;
  readonly entry: JsonObject;
}

/** One failed entry, with the field names of the SDKs' `DeviceRegistryOperationError`. */
export interface BulkError extends JsonObject {
  readonly deviceId: string;
  readonly errorCode: string;
  readonly errorStatus: string;
}

/**
 * Applies the entries in order and returns the failed ones. Throws 400 or 413 before it applies any entry if the whole call is
 * invalid: the body is no list, has more than 100 entries (413), an unknown import mode, or the same device twice.
 */
export function runBulk(registry: Registry, body: JsonValue): readonly BulkError[] {
  const operations = readOperations(body);
  const errors: BulkError[] = [];
  for (const { mode, target, entry } of operations) {
    try {
      importModes[mode](registry, target, entry);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      errors.push({ ...target, errorCode: error.code, errorStatus: error.message });
    }
  }
  return errors;
}

function readOperations(body: JsonValue): readonly Operation[] {
  if (!Array.isArray(body) || body.length === 0)
    throw invalid(`A bulk call takes a list of 1 to ${maxBulkEntries} entries`);
  if (body.length > maxBulkEntries) {
    throw new HubError('TooManyDevices', `A bulk call takes at most ${maxBulkEntries} entries, not ${body.length}`);
  }
  const seen = new Set<string>();
  return body.map((entry: JsonValue) => {
    const operation = readOperation(entry);
    const { deviceId } = operation.target;
    if (seen.has(deviceId)) {
      throw new HubError('DeviceDefinedMultipleTimes', `Device ${preview(deviceId)} is in this call more than once`);
    }
    seen.add(deviceId);
    return operation;
  });
}

function readOperation(entry: JsonValue): Operation {
  if (!isObject(entry)) throw invalid(`A bulk entry must be an object, not ${preview(entry)}`);
  const { id, moduleId, importMode } = entry;
  if (typeof id !== 'string') throw invalid(`The id of a bulk entry must be a string, not ${preview(id)}`);
  if (moduleId !== undefined && moduleId !== null && typeof moduleId !== 'string') {
    throw invalid(`The moduleId of a bulk entry must be a string, not ${preview(moduleId)}`);
  }
  // The case of import modes varies: the Node SDK sends both `create` and `Update`.
  const mode = typeof importMode === 'string' ? importMode.toLowerCase() : undefined;
  if (mode === undefined || !isImportMode(mode))
    throw invalid(`The importMode ${preview(importMode)} is not one of ${Object.keys(importModes).join(', ')}`);
  return {
    mode,
    entry,
    target: { deviceId: id, ...(typeof moduleId === 'string' && moduleId !== '' ? { moduleId } : {}) },
  };
}

function isImportMode(mode: string): mode is ImportMode {
  return Object.hasOwn(importModes, mode);
}

/**
 * The ETag in a bulk entry whose import mode requires one. Throws 400 if the entry has no ETag. Ignores the case of the field's name, as
 * IoT Hub does: the Node SDK sends `etag`.
 */
function requiredEtag(entry: JsonObject, field: 'eTag' | 'twinETag'): IfMatch {
  const name = Object.keys(entry).find((key) => key.toLowerCase() === field.toLowerCase());
  const etag = name === undefined ? undefined : entry[name];
  if (typeof etag !== 'string' || etag === '') throw invalid(`This importMode needs ${field}, not ${preview(etag)}`);
  return parseIfMatch(etag);
}
