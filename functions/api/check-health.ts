import type { HttpRequest, HttpResponseInit } from '@azure/functions';
import { describeCompeting } from '../../shared/guards/index.ts';
import { deferredQueueName } from '../../shared/retry/index.ts';
import { openQueue, openTable } from '../../shared/storage/index.ts';
import type { App } from '../compose.ts';
import { commonHeaders } from './http/common-headers.ts';
import { functionKeyParameters } from './http/function-key-parameters.ts';
import { toProblemResponse, unknownParameter } from './http/problem.ts';

/** The result of one health check, such as the check of the hub. */
interface Check {
  readonly ok: boolean;
  readonly detail: string;
}

/**
 * Answers `GET /api/health`. The status is 200 when the hub and the storage account can be reached. Otherwise it is 503, and the answer
 * names the reason. An unknown parameter gives a 400.
 */
export async function answerHealth({ query }: HttpRequest, twinkeeper: App): Promise<HttpResponseInit> {
  const unknown = [...query.keys()].find((name) => !functionKeyParameters.has(name));
  if (unknown !== undefined) return toProblemResponse(unknownParameter(unknown, []));
  const health = await checkHealth(twinkeeper);
  return { status: health.status === 'healthy' ? 200 : 503, headers: commonHeaders, jsonBody: health };
}

/** Checks the hub and the storage account at the same time. The result is ready after at most five seconds. This function never throws. */
export async function checkHealth(twinkeeper: App) {
  const [hub, storage, configurations] = await Promise.all([
    checkHub(twinkeeper),
    checkStorage(twinkeeper),
    checkConfigurations(twinkeeper),
  ]);
  // The settings and the policies are always valid here, because the app does not start when one of them is wrong.
  const checks = { settings: { ok: true, detail: 'valid' }, hub, storage, configurations };
  const isHealthy = Object.values(checks).every(({ ok }) => ok);
  return { status: isHealthy ? ('healthy' as const) : ('unhealthy' as const), checks };
}

/** Checks the hub by counting its devices, because this is the cheapest hub call. */
function checkHub({ hub }: App): Promise<Check> {
  return withDeadline(hub.name, async () => {
    const answer = await hub.countDevices();
    return answer.ok
      ? { ok: true, detail: `${hub.name}: ${answer.value} devices` }
      : { ok: false, detail: `${hub.name}: ${answer.problem.message}` };
  });
}

function checkStorage({ settings }: App): Promise<Check> {
  return withDeadline('storage', async () => {
    await Promise.all([openTable(settings.storage, 'TwinkeeperDrift'), openQueue(settings.storage, deferredQueueName)]);
    return { ok: true, detail: 'tables and queues can be reached' };
  });
}

/**
 * Names the hub's automatic configurations that compete with policies. The app also works with competing configurations, so this check is
 * always ok.
 */
async function checkConfigurations({ guardStore }: App): Promise<Check> {
  const read = async () => {
    const sentences = [...new Set((await guardStore.competing()).map(describeCompeting))];
    const firstTen = sentences.slice(0, 10).join(' ');
    return { ok: true, detail: sentences.length === 0 ? 'none competes with a policy' : firstTen };
  };
  const { ok, detail } = await withDeadline('storage', read);
  return { ok: true, detail: ok ? detail : 'not known: storage does not answer' };
}

/** The longest time of one health check, in milliseconds. A health probe cannot wait for all the retries of a hub call. */
const deadline = 5_000;

/**
 * Runs a check of the hub or of storage, for at most `deadline` milliseconds. The result of a failed check shows only the code of the
 * error, because the error's message can hold addresses and secrets.
 */
async function withDeadline(service: string, check: () => Promise<Check>): Promise<Check> {
  const { promise: timeout, resolve } = Promise.withResolvers<Check>();
  const timer = setTimeout(
    () => resolve({ ok: false, detail: `${service}: no answer in ${deadline / 1000} s` }),
    deadline,
  );
  const failed = (error: unknown): Check => {
    const code = (error as { code?: unknown }).code;
    return { ok: false, detail: `${service}: cannot be reached${typeof code === 'string' ? ` (${code})` : ''}` };
  };
  try {
    return await Promise.race([check().catch(failed), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
