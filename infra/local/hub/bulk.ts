/**
 * Bulk registry operations (`POST /devices`). Each entry of the list succeeds or fails independently of the other entries.
 *
 * When an entry fails, the response has the status 400 and the error code `BulkRegistryOperationFailure` in its headers. The body of the
 * response lists the failed entries. The .NET SDK returns this response as a result. The Node SDK throws an `ArgumentError` that has the
 * body in `responseBody`.
 */
import { HubError, invalid, preview } from './errors.ts';
import { checkIfMatch, type IfMatch, parseIfMatch } from './etag.ts';
import { readIdentityWrite } from './identity.ts';
import type { Target } from './ids.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import type { Registry } from './registry.ts';
import { readTwinWrite } from './twin-body.ts';

/** IoT Hub's limit of a bulk call: "A maximum of 100 devices can be specified per invocation." (Bulk Registry - Update Registry) */
const maxBulkEntries = 100;

type Apply = (registry: Registry, target: Target, entry: JsonObject) => unknown;

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
} satisfies Record<string, Apply>;

type ImportMode = keyof typeof importModes;

/** The modes that only import jobs have. They create an identity with its twin, or overwrite both when the identity exists. */
const jobModes: Readonly<Record<string, Apply>> = {
  createorupdate: (registry, target, entry) => upsert(registry, target, entry, () => '*'),
  createorupdateifmatchetag: (registry, target, entry) =>
    upsert(registry, target, entry, () => requiredEtag(entry, 'eTag')),
};

interface Operation {
  readonly mode: ImportMode;
  readonly target: Target;
  readonly entry: JsonObject;
}

/** A failed entry of a bulk call. The field names are those of `DeviceRegistryOperationError` in the SDKs. */
export interface BulkError extends JsonObject {
  readonly deviceId: string;
  readonly errorCode: string;
  readonly errorStatus: string;
}

/**
 * Applies the entries in order, and returns the failed entries. If the whole call is invalid, throws before it applies any entry: 413 if
 * the list has more than 100 entries, and 400 if the body is not a list, an import mode is unknown, or the same device appears twice.
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

/**
 * Applies one line of an import job. A line without an import mode has the mode `createOrUpdate`. Returns the error of a failed line, which has
 * changed nothing.
 */
export function runImportEntry(registry: Registry, entry: JsonValue): BulkError | undefined {
  const id = isObject(entry) && typeof entry.id === 'string' ? entry.id : '';
  try {
    if (!isObject(entry)) throw invalid(`A line must be an object, not ${preview(entry)}`);
    const mode = String(entry.importMode ?? 'createOrUpdate').toLowerCase();
    const apply = Object.hasOwn(jobModes, mode) ? jobModes[mode] : undefined;
    const operation = readOperation(apply === undefined ? entry : { ...entry, importMode: 'create' });
    (apply ?? importModes[operation.mode])(registry, operation.target, entry);
    return undefined;
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    const moduleId = isObject(entry) && typeof entry.moduleId === 'string' ? { moduleId: entry.moduleId } : {};
    return { deviceId: id, ...moduleId, errorCode: error.code, errorStatus: error.message };
  }
}

function upsert(registry: Registry, target: Target, entry: JsonObject, ifMatch: () => IfMatch): unknown {
  try {
    return importModes.create(registry, target, entry);
  } catch (error) {
    if (!(error instanceof HubError) || error.status !== 409) throw error;
  }
  const identity = readIdentityWrite(entry);
  const twin = readTwinWrite(entry);
  checkIfMatch(ifMatch(), String(registry.read(target).etag));
  // The twin is written first: its write can fail, and the write of the identity cannot fail any more.
  if (Object.keys(twin).length > 0) {
    const etag = etagOf(entry, 'twinETag');
    registry.patchTwin(target, twin, etag === undefined ? '*' : parseIfMatch(etag));
  }
  return registry.update(target, identity, '*');
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
  // The case of an import mode is ignored, because the Node SDK sends both `create` and `Update`.
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

/** Reads the ETag of a bulk entry whose import mode requires an ETag. Throws 400 if the entry has no ETag. */
function requiredEtag(entry: JsonObject, field: 'eTag' | 'twinETag'): IfMatch {
  const etag = etagOf(entry, field);
  if (etag === undefined) throw invalid(`This importMode needs ${field}`);
  return parseIfMatch(etag);
}

/** The ETag in a bulk entry. Ignores the case of the field's name, as IoT Hub does, because the Node SDK sends `etag`. */
function etagOf(entry: JsonObject, field: 'eTag' | 'twinETag'): string | undefined {
  const name = Object.keys(entry).find((key) => key.toLowerCase() === field.toLowerCase());
  const etag = name === undefined ? undefined : entry[name];
  return typeof etag === 'string' && etag !== '' ? etag : undefined;
}
