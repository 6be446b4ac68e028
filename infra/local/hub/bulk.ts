/**
 * Bulk registry operations, `POST /devices`. Each entry succeeds or fails by itself. When any fails, the answer is a 400 with
 * `iothub-errorcode: BulkRegistryOperationFailure`, and its body is still the result that lists them: the .NET SDK knows that
 * header as the one 400 that is not to become an exception; the Node SDK makes an `ArgumentError` of it with the result as
 * its `responseBody`.
 */

import { HubError, invalid, shown } from './errors.ts';
import { type IfMatch, parseIfMatch } from './etag.ts';
import { readIdentityWrite } from './identity.ts';
import type { Target } from './ids.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import type { Registry } from './registry.ts';
import { readTwinWrite } from './twin.ts';

/** "A maximum of 100 devices can be specified per invocation." (Bulk Registry - Update Registry) */
export const MAX_BULK_ENTRIES = 100;

const OPERATIONS = {
  create: (registry, target, entry) => registry.create(target, readIdentityWrite(entry), readTwinWrite(entry)),
  update: (registry, target, entry) => registry.update(target, readIdentityWrite(entry), '*'),
  updateifmatchetag: (registry, target, entry) =>
    registry.update(target, readIdentityWrite(entry), demanded(entry, 'eTag')),
  delete: (registry, target) => registry.delete(target, '*'),
  deleteifmatchetag: (registry, target, entry) => registry.delete(target, demanded(entry, 'eTag')),
  updatetwin: (registry, target, entry) => registry.patchTwin(target, readTwinWrite(entry), '*'),
  updatetwinifmatchetag: (registry, target, entry) =>
    registry.patchTwin(target, readTwinWrite(entry), demanded(entry, 'twinETag')),
} satisfies Record<string, (registry: Registry, target: Target, entry: JsonObject) => unknown>;

type ImportMode = keyof typeof OPERATIONS;

interface Operation {
  readonly mode: ImportMode;
  readonly target: Target;
  readonly entry: JsonObject;
}

/** What failed, in the words of `DeviceRegistryOperationError`. */
export interface BulkError extends JsonObject {
  readonly deviceId: string;
  readonly errorCode: string;
  readonly errorStatus: string;
}

/**
 * Carries out the entries one after the other and returns the failures. Throws, having done nothing, when the call as a whole
 * cannot be understood: no list, more than 100 entries (413), an unknown import mode, a device that stands in it twice.
 */
export function runBulk(registry: Registry, body: JsonValue): readonly BulkError[] {
  const operations = readOperations(body);
  const errors: BulkError[] = [];
  for (const { mode, target, entry } of operations) {
    try {
      OPERATIONS[mode](registry, target, entry);
    } catch (error) {
      if (!(error instanceof HubError)) throw error;
      errors.push({ ...target, errorCode: error.code, errorStatus: error.message });
    }
  }
  return errors;
}

function readOperations(body: JsonValue): readonly Operation[] {
  if (!Array.isArray(body) || body.length === 0)
    throw invalid(`A bulk call takes a list of 1 to ${MAX_BULK_ENTRIES} entries`);
  if (body.length > MAX_BULK_ENTRIES) {
    throw new HubError('TooManyDevices', `A bulk call takes at most ${MAX_BULK_ENTRIES} entries, not ${body.length}`);
  }
  const seen = new Set<string>();
  return body.map((entry: JsonValue) => {
    const operation = readOperation(entry);
    const { deviceId } = operation.target;
    if (seen.has(deviceId)) {
      throw new HubError('DeviceDefinedMultipleTimes', `Device ${shown(deviceId)} stands in this call more than once`);
    }
    seen.add(deviceId);
    return operation;
  });
}

function readOperation(entry: JsonValue): Operation {
  if (!isObject(entry)) throw invalid(`A bulk entry must be an object, not ${shown(entry)}`);
  const { id, moduleId, importMode } = entry;
  if (typeof id !== 'string') throw invalid(`The id of a bulk entry must be a string, not ${shown(id)}`);
  if (moduleId !== undefined && moduleId !== null && typeof moduleId !== 'string') {
    throw invalid(`The moduleId of a bulk entry must be a string, not ${shown(moduleId)}`);
  }
  // SDKs disagree on the case: the Node SDK alone sends `create` and `Update`.
  const mode = typeof importMode === 'string' ? importMode.toLowerCase() : undefined;
  if (mode === undefined || !isImportMode(mode))
    throw invalid(`The importMode ${shown(importMode)} is not one of ${Object.keys(OPERATIONS).join(', ')}`);
  return {
    mode,
    entry,
    target: { deviceId: id, ...(typeof moduleId === 'string' && moduleId !== '' ? { moduleId } : {}) },
  };
}

function isImportMode(mode: string): mode is ImportMode {
  return Object.hasOwn(OPERATIONS, mode);
}

// The Node SDK passes a device's `etag` through as it is; the hub, like all .NET, does not mind the case of a name.
function demanded(entry: JsonObject, field: 'eTag' | 'twinETag'): IfMatch {
  const name = Object.keys(entry).find((key) => key.toLowerCase() === field.toLowerCase());
  const etag = name === undefined ? undefined : entry[name];
  if (typeof etag !== 'string' || etag === '')
    throw invalid(`This importMode needs ${field}, and it is ${shown(etag)}`);
  return parseIfMatch(etag);
}
