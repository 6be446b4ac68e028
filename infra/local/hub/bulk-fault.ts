/** Simulated faults of bulk calls, in which the answer does not say correctly which entries were carried out. */
import type { Answer, ReceivedRequest } from './http-listener.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';

/**
 * `withoutTwin`: the hub creates identities without their twins. The answer has a warning for each of them, in the form that the .NET SDK
 * reads. `unexplained`: the hub does not carry out every second entry. The answer says that the call was not successful, but names no
 * entry.
 */
export type BulkFault = 'withoutTwin' | 'unexplained';

/** Runs a bulk call with the fault. Returns undefined, and does nothing, if the body is not a list of entries. */
export async function runFaultyBulk(
  fault: BulkFault,
  request: ReceivedRequest,
  run: (request: ReceivedRequest) => Promise<Answer>,
): Promise<Answer | undefined> {
  const entries = readEntries(request);
  if (entries === undefined) return undefined;
  if (fault === 'unexplained') {
    const kept = entries.filter((_, index) => index % 2 === 0);
    await run({ ...request, json: () => kept });
    return { status: 200, body: { isSuccessful: false, errors: [], warnings: [] } };
  }
  const isCreation = ({ importMode }: JsonObject) => String(importMode).toLowerCase() === 'create';
  const stripped = entries.map((entry) => (isCreation(entry) ? withoutTwin(entry) : entry));
  const answer = await run({ ...request, json: () => stripped });
  const { errors = [], ...body } = answer.body as { readonly errors?: readonly JsonObject[] };
  const failed = new Set(errors.map(({ deviceId }) => deviceId));
  const warnings = entries
    .filter((entry) => isCreation(entry) && !failed.has(entry.id ?? null))
    .map(({ id, moduleId }) => ({
      deviceId: id,
      ...(moduleId === undefined ? {} : { moduleId }),
      warningCode: 'DeviceRegisteredWithoutTwin',
      warningStatus: 'The identity is registered without its twin.',
    }));
  return { ...answer, body: { ...body, errors, warnings } };
}

function readEntries(request: ReceivedRequest): readonly JsonObject[] | undefined {
  let body: JsonValue;
  try {
    body = request.json();
  } catch {
    return undefined;
  }
  return Array.isArray(body) && body.every(isObject) ? (body as readonly JsonObject[]) : undefined;
}

function withoutTwin({ tags: _, properties: __, ...identity }: JsonObject): JsonObject {
  return identity;
}
