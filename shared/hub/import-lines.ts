import * as z from 'zod/mini';
import { isJsonObject, type JsonObject } from '../twin/index.ts';
import { toBulkEntry } from './bulk.ts';
import { classifyBulkEntry } from './classify.ts';
import type { NewModule, Problem } from './hub.ts';
import { parseJson } from './parse-json.ts';

/**
 * The line of an import job that creates a module with its twin. The import fails for a module that exists already. The hub generates the keys
 * of the module. Source: "Import and export IoT Hub device identities in bulk".
 */
export function toImportLine(module: NewModule): string {
  const { deviceId, ...entry } = toBulkEntry(module);
  return JSON.stringify({ id: deviceId, ...entry, importMode: 'create', authentication: { type: 'sas' } });
}

/** The module that a line of {@link toImportLine} creates. `undefined` for any other line. */
export function fromImportLine(line: string): NewModule | undefined {
  const body = parseJson(line);
  if (!isJsonObject(body)) return undefined;
  const { id, moduleId, tags, properties } = body;
  if (typeof id !== 'string' || typeof moduleId !== 'string' || !isJsonObject(properties)) return undefined;
  return { deviceId: id, moduleId, tags: objectOf(tags), desired: objectOf(properties.desired) };
}

/** An import that failed: the device of the line, and why. */
export interface ImportError {
  readonly deviceId: string;
  readonly problem: Problem;
}

const errorSchema = z.object({
  deviceId: z.string().check(z.minLength(1)),
  errorCode: z.optional(z.union([z.string(), z.number()])),
  errorStatus: z.optional(z.nullable(z.string())),
});

/**
 * Reads one line of the blob with the errors of an import. Its form is that of the errors of a bulk call. `undefined` for a line that names no
 * device: then nobody knows which lines of the import failed.
 */
export function readImportError(line: string): ImportError | undefined {
  const parsed = errorSchema.safeParse(parseJson(line));
  if (!parsed.success) return undefined;
  const { deviceId, ...error } = parsed.data;
  return { deviceId, problem: classifyBulkEntry(error) };
}

function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
