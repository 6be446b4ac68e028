import type { Registry } from 'azure-iothub';
import * as z from 'zod/mini';
import type { CallKind } from './call.ts';
import type { Answer, HubJobs, Job } from './hub.ts';

/** The blob with one line of JSON for each device and module, in the container of a job. */
export const jobBlob = 'devices.txt';
/** The blob with the lines of an import that failed. */
export const jobErrorsBlob = 'importErrors.log';

/** Makes one identity operation. */
type Call = <T>(
  use: (registry: Registry) => Promise<T>,
  kind: Pick<CallKind<T>, 'deed' | 'isRepeatable'>,
) => Promise<Answer<T>>;

const change = { deed: 'changeJobs' } as const;
const read = { deed: 'readJobs' } as const;

/** The value of `excludeKeysInExport`. The app needs no keys of devices, so they never leave the hub. */
const withoutKeys = true;

export function createHubJobs(call: Call): HubJobs {
  async function start(use: (registry: Registry) => Promise<unknown>): Promise<Answer<string>> {
    const started = toJob(await call(use, { ...change, isRepeatable: false }));
    return started.ok ? { ok: true, value: started.value.id } : started;
  }

  return {
    startImport: (containerUrl) => start((registry) => registry.importDevicesFromBlob(containerUrl, containerUrl)),
    startExport: (containerUrl) => start((registry) => registry.exportDevicesToBlob(containerUrl, withoutKeys)),
    read: async (id) => toJob(await call((registry) => registry.getJob(id), read)),
    async list() {
      const answer = await call((registry) => registry.listJobs(), read);
      if (!answer.ok) return answer;
      const { responseBody } = answer.value as { readonly responseBody?: unknown };
      const list: unknown = responseBody ?? answer.value;
      return { ok: true, value: Array.isArray(list) ? list.flatMap((body) => parseJob(body) ?? []) : [] };
    },
    async cancel(id) {
      const answer = await call((registry) => registry.cancelJob(id), change);
      return answer.ok ? { ok: true, value: undefined } : answer;
    },
    async hasKeys(deviceId, moduleId) {
      const answer = await call((registry) => registry.getModule(deviceId, moduleId), { deed: 'readModule' });
      if (!answer.ok) return answer;
      return { ok: true, value: keysSchema.safeParse(answer.value.responseBody).success };
    },
  };
}

const keysSchema = z.object({
  authentication: z.object({ symmetricKey: z.object({ primaryKey: z.string().check(z.minLength(1)) }) }),
});

const text = z.catch(z.optional(z.string()), undefined);

const jobSchema = z.object({
  jobId: z.string(),
  status: z.catch(z.string(), ''),
  failureReason: text,
  outputBlobContainerUri: text,
});

const states: Readonly<Record<string, Job['state']>> = {
  enqueued: 'waiting',
  unknown: 'waiting',
  queued: 'waiting',
  scheduled: 'waiting',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
};

function toJob(answer: Answer<unknown>): Answer<Job> {
  if (!answer.ok) return answer;
  const job = parseJob(answer.value);
  if (job !== undefined) return { ok: true, value: job };
  return { ok: false, problem: { type: 'unclear', message: 'the hub answered without a job' } };
}

/** Reads a job in an answer of the hub. `undefined` when the value is not a job. */
function parseJob(body: unknown): Job | undefined {
  const parsed = jobSchema.safeParse(body);
  if (!parsed.success) return undefined;
  const { jobId, status, failureReason, outputBlobContainerUri } = parsed.data;
  const container = containerOf(outputBlobContainerUri);
  return {
    id: jobId,
    state: states[status.toLowerCase()] ?? 'running',
    ...(failureReason === undefined ? {} : { failure: withoutSignature(failureReason) }),
    ...(container === undefined ? {} : { container }),
  };
}

/** The name of the container in its address: the last segment of the path. */
function containerOf(url: string | undefined): string | undefined {
  if (url === undefined || !URL.canParse(url)) return undefined;
  return new URL(url).pathname.split('/').findLast((segment) => segment !== '');
}

/** A text without the signatures of the addresses in it, cut to 300 characters. */
function withoutSignature(reason: string): string {
  return reason.replace(/\?\S*|sig=\S*/g, '…').slice(0, 300);
}
