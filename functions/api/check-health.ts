import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { describeCompeting } from '../../shared/guards/index.ts';
import { deferredQueueName } from '../../shared/retry/index.ts';
import { openQueue, openTable } from '../../shared/storage/index.ts';
import type { App } from '../compose.ts';
import { keyParameters } from './http/key-parameters.ts';
import { plainHeaders } from './http/plain-headers.ts';
import { toProblemResponse, unknownParameter } from './http/problem.ts';

/** What one check found. */
interface Check {
  readonly ok: boolean;
  readonly detail: string;
}

/** Answers who asks for health: 200 when the hub and the storage account can be reached, 503 with the reason when not. */
export async function answerHealth({ query }: HttpRequest, twinkeeper: App): Promise<HttpResponseInit> {
  const unknown = [...query.keys()].find((name) => !keyParameters.has(name));
  if (unknown !== undefined) return toProblemResponse(unknownParameter(unknown, []));
  const health = await checkHealth(twinkeeper);
  return { status: health.status === 'healthy' ? 200 : 503, headers: plainHeaders, jsonBody: health };
}

/** Asks hub and storage, both at once. Answers within seconds whatever they do, and never throws. */
export async function checkHealth(twinkeeper: App) {
  const [hub, storage, configurations] = await Promise.all([
    checkHub(twinkeeper),
    checkStorage(twinkeeper),
    checkConfigurations(twinkeeper),
  ]);
  // That this answers at all says that the settings and the policies are valid: the app does not start otherwise.
  const checks = { settings: { ok: true, detail: 'valid' }, hub, storage, configurations };
  const isHealthy = Object.values(checks).every(({ ok }) => ok);
  return { status: isHealthy ? ('healthy' as const) : ('unhealthy' as const), checks };
}

/** What the hub says to its cheapest question. */
function checkHub({ hub }: App): Promise<Check> {
  return within(hub.name, async () => {
    const answer = await hub.countDevices();
    return answer.ok
      ? { ok: true, detail: `${hub.name}: ${answer.value} devices` }
      : { ok: false, detail: `${hub.name}: ${answer.problem.message}` };
  });
}

function checkStorage({ settings }: App): Promise<Check> {
  return within('storage', async () => {
    await Promise.all([openTable(settings.storage, 'TwinkeeperDrift'), openQueue(settings.storage, deferredQueueName)]);
    return { ok: true, detail: 'tables and queues can be reached' };
  });
}

/** Configurations of the hub that fight with policies. That they do is worth knowing, and keeps nothing from working. */
async function checkConfigurations({ guardStore }: App): Promise<Check> {
  const read = async () => {
    const sentences = [...new Set((await guardStore.competing()).map(describeCompeting))];
    const told = sentences.slice(0, 10).join(' ');
    return { ok: true, detail: sentences.length === 0 ? 'none competes with a policy' : told };
  };
  const { ok, detail } = await within('storage', read);
  return { ok: true, detail: ok ? detail : 'not known' };
}

/** Whoever asks for health has no time for all the retries that a real call is worth. */
const deadline = 5_000;

/** A check that always comes to an answer, and soon. What went wrong is named by its code only: messages can hold addresses and more. */
async function within(what: string, check: () => Promise<Check>): Promise<Check> {
  const { promise: late, resolve } = Promise.withResolvers<Check>();
  const timer = setTimeout(
    () => resolve({ ok: false, detail: `${what}: no answer in ${deadline / 1000} s` }),
    deadline,
  );
  const failed = (error: unknown): Check => {
    const code = (error as { code?: unknown }).code;
    return { ok: false, detail: `${what}: cannot be reached${typeof code === 'string' ? ` (${code})` : ''}` };
  };
  try {
    return await Promise.race([check().catch(failed), late]);
  } finally {
    clearTimeout(timer);
  }
}
