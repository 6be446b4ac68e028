import { createInterface } from 'node:readline';
import { runImportEntry } from '../bulk.ts';
import { isObject, type JsonObject, type JsonValue } from '../json.ts';
import type { Registry } from '../registry.ts';
import type { Job } from './job.ts';

/** The blob to which an import writes the lines that failed. Microsoft's .NET client names it `ImportErrorsBlobName`. */
const errorsBlob = 'importErrors.log';

/**
 * Applies each line of a blob to the registry. Each line succeeds or fails alone. Writes one line of JSON for each failed line to another blob.
 * @param pass called before each line with its number. When it returns false, the job ends.
 */
export async function runImport(job: Job, registry: Registry, pass: (line: number) => Promise<boolean>): Promise<void> {
  const blob = job.input().getBlockBlobClient(job.request.inputBlobName ?? 'devices.txt');
  const { readableStreamBody, contentLength = 0 } = await blob.download();
  const errors: string[] = [];
  let number = 0;
  let bytes = 0;
  const lines = createInterface({
    input: readableStreamBody as NodeJS.ReadableStream,
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  for await (const line of lines) {
    bytes += Buffer.byteLength(line) + 1;
    if (line.trim() === '') continue;
    number += 1;
    if (!(await pass(number))) break;
    const error = importLine(registry, line);
    if (error !== undefined) errors.push(JSON.stringify(error));
    job.advance(bytes, contentLength);
  }
  const text = Buffer.from(errors.map((error) => `${error}\n`).join(''));
  await job.output().getBlockBlobClient(errorsBlob).upload(text, text.length);
}

function importLine(registry: Registry, line: string): JsonObject | undefined {
  let entry: JsonValue;
  try {
    entry = JSON.parse(line) as JsonValue;
  } catch {
    return { deviceId: '', errorCode: 'IotHubFormatError', errorStatus: 'The line is not JSON' };
  }
  const moduleId = isObject(entry) ? entry.moduleId : undefined;
  // The modules of IoT Edge itself come with their device.
  if (moduleId === '$edgeAgent' || moduleId === '$edgeHub') return undefined;
  return runImportEntry(registry, entry);
}
