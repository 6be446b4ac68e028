import { Readable } from 'node:stream';
import { renderScopes } from '../device-scope.ts';
import type { JsonObject } from '../json.ts';
import { deviceTwins, type ListedTwin, moduleTwins } from '../registered-twin.ts';
import type { Registry } from '../registry.ts';
import { etagOf } from '../twin.ts';
import type { Job } from './job.ts';

/** Number of bytes that the upload of a blob keeps in memory for each of its requests. */
const bufferSize = 4 * 1024 * 1024;

/**
 * Writes one line of JSON for each device and each module to a blob.
 * @param pass called before each line with its number. When it returns false, the job ends.
 */
export async function runExport(job: Job, registry: Registry, pass: (line: number) => Promise<boolean>): Promise<void> {
  const blob = job.output().getBlockBlobClient(job.request.outputBlobName ?? 'devices.txt');
  await blob.uploadStream(Readable.from(lines(job, registry, pass)), bufferSize);
}

async function* lines(job: Job, registry: Registry, pass: (line: number) => Promise<boolean>): AsyncIterable<Buffer> {
  const withKeys = job.request.excludeKeysInExport !== true;
  const { devices } = registry;
  let all = devices.size;
  for (const { modules } of devices.values()) all += modules.size;
  let number = 0;
  for (const twins of [deviceTwins(devices), moduleTwins(devices)]) {
    for (const listed of twins) {
      number += 1;
      if (!(await pass(number))) return;
      job.advance(number, all);
      yield Buffer.from(`${JSON.stringify(toLine(listed, withKeys))}\n`);
    }
  }
}

/**
 * The line of a device or module. Source: "Import and export IoT Hub device identities in bulk", section about the format of the blob. The
 * properties have no metadata and no versions (azure-docs, issue 116520), and each line has tags and capabilities (a real line is in issue 1146
 * of azure-iot-sdk-csharp).
 */
function toLine({ target, registered }: ListedTwin, withKeys: boolean): JsonObject {
  const { identity, twin } = registered;
  const { type, symmetricKey, x509Thumbprint } = identity.authentication;
  const authentication = withKeys
    ? { type, symmetricKey, x509Thumbprint }
    : { type, symmetricKey: { primaryKey: null, secondaryKey: null }, x509Thumbprint };
  return {
    id: target.deviceId,
    ...(target.moduleId === undefined ? {} : { moduleId: target.moduleId }),
    eTag: identity.etag,
    status: identity.status,
    ...(identity.statusReason === null ? {} : { statusReason: identity.statusReason }),
    authentication,
    twinETag: etagOf(twin),
    tags: twin.tags ?? {},
    properties: { desired: twin.desired.values, reported: twin.reported.values },
    capabilities: { iotEdge: target.moduleId === undefined && identity.iotEdge },
    ...(identity.managedBy === null ? {} : { managedBy: identity.managedBy }),
    ...renderScopes(identity.scopes),
  } as JsonObject;
}
