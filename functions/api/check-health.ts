import { describeCompeting, type GuardStore } from '../../shared/guards/index.ts';
import type { Hub } from '../../shared/hub/index.ts';
import { deferredQueueName } from '../../shared/retry/index.ts';
import { openQueue, openTable, type StorageAccount } from '../../shared/storage/index.ts';
import type { HealthDetails } from './answers.ts';

/** The result of one part of the health check, such as the check of the hub. */
interface Check {
  readonly ok: boolean;
  readonly detail: string;
}

/** The parts of the app that the health check uses. */
interface Checked {
  readonly hub: Hub;
  readonly guardStore: GuardStore;
  readonly settings: { readonly storage: StorageAccount };
  now(): Date;
}

/** Checks the hub and the storage account at the same time. The result is ready after at most 30 seconds. This function never throws. */
export async function checkHealth(twinkeeper: Checked): Promise<HealthDetails> {
  const [hub, storage, configurations] = await Promise.all([
    checkHub(twinkeeper),
    checkStorage(twinkeeper),
    checkConfigurations(twinkeeper),
  ]);
  // The settings and the policies are always valid here: an app with a wrong one has only the function `health`.
  const checks = { settings: { ok: true, detail: 'valid' }, hub, storage, configurations };
  const isHealthy = Object.values(checks).every(({ ok }) => ok);
  return { status: isHealthy ? 'healthy' : 'unhealthy', checkedAt: twinkeeper.now().toISOString(), checks };
}

/** Checks the hub by counting its devices, because this is the cheapest hub call. */
function checkHub({ hub }: Checked): Promise<Check> {
  return withDeadline(hub.name, async () => {
    const answer = await hub.countDevices();
    if (answer.ok) return { ok: true, detail: `${hub.name}: ${answer.value} devices` };
    // A hub that throttles is reachable, so the check is ok. It is also ok when the app itself does not send the call, because its call
    // budget is in use.
    const isBusy = answer.problem.type === 'throttled';
    return { ok: isBusy, detail: `${hub.name}: ${isBusy ? 'busy: ' : ''}${answer.problem.message}` };
  });
}

function checkStorage({ settings }: Checked): Promise<Check> {
  return withDeadline('storage', async () => {
    await Promise.all([openTable(settings.storage, 'TwinkeeperDrift'), openQueue(settings.storage, deferredQueueName)]);
    return { ok: true, detail: 'tables and queues can be reached' };
  });
}

/**
 * Names the hub's automatic configurations that compete with policies. The app also works with competing configurations, so this check is
 * always ok.
 */
async function checkConfigurations({ guardStore }: Checked): Promise<Check> {
  const read = async () => {
    const sentences = [...new Set((await guardStore.competing()).map(describeCompeting))];
    const firstTen = sentences.slice(0, 10).join(' ');
    return { ok: true, detail: sentences.length === 0 ? 'none competes with a policy' : firstTen };
  };
  const { ok, detail } = await withDeadline('storage', read);
  return { ok: true, detail: ok ? detail : 'not known: storage does not answer' };
}

/** The longest time of one part of the check, in milliseconds: the time-out of one hub call. */
const deadline = 30_000;

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
