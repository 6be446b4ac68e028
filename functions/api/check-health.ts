import type { Hub } from '../../shared/hub/index.ts';
import { StorageAccessError } from '../../shared/identity/index.ts';
import { deferredQueueName } from '../../shared/retry/index.ts';
import { type Facts, isHealthy } from '../../shared/status/index.ts';
import { openQueue, openTable, type StorageAccount } from '../../shared/storage/index.ts';
import type { AppStatus } from '../app-status.ts';
import type { HealthDetails, HealthPart, HealthState } from './health-answers.ts';

/** The parts of the app that the health check uses. */
interface Checked {
  readonly hub: Hub;
  readonly settings: { readonly storage: StorageAccount };
  readonly status: AppStatus;
  now(): Date;
}

/**
 * Checks the hub and the storage account at the same time, and reads from storage how the whole app is. Makes one hub call. The result is
 * ready after at most 30 seconds. This function never throws.
 */
export async function checkHealth({ hub, settings, status, now }: Checked): Promise<HealthDetails> {
  const [hubPart, [storagePart, facts]] = await Promise.all([checkHub(hub), checkStorage(settings.storage, status)]);
  const problems = status.problems(facts, { hub: hubPart, storage: storagePart });
  return {
    status: isHealthy(problems) ? 'healthy' : 'unhealthy',
    checkedAt: now().toISOString(),
    checks: {
      // The settings and the policies are always valid here: an app with a wrong one has only the function `health`.
      settings: { ok: true, detail: 'valid' },
      hub: hubPart,
      storage: storagePart,
      configurations: configurationsPart(facts),
    },
    problems,
    ...(facts === undefined ? {} : { state: toState(facts, status) }),
  };
}

/** Checks the hub by counting its devices, because this is the cheapest hub call. */
async function checkHub(hub: Hub): Promise<HealthPart> {
  const [part] = await withDeadline(hub.name, async () => {
    const answer = await hub.countDevices();
    if (answer.ok) return [{ ok: true, detail: `${hub.name}: ${answer.value} devices` }, undefined];
    // A hub that throttles is reachable, so the check is ok. It is also ok when the app itself does not send the call, because its call
    // budget is in use. It is not ok when the app does not send the call because the hub has not answered for a while.
    const { problem } = answer;
    const isBusy = problem.type === 'throttled' && problem.isSilent === undefined;
    return [{ ok: isBusy, detail: `${hub.name}: ${isBusy ? 'busy: ' : ''}${problem.message}` }, undefined];
  });
  return part;
}

/** Opens a table and the queue, and reads the facts about the app from storage. */
function checkStorage(storage: StorageAccount, status: AppStatus): Promise<Checks<Facts>> {
  return withDeadline('storage', async () => {
    const [facts] = await Promise.all([
      status.facts(),
      openTable(storage, 'TwinkeeperDrift'),
      openQueue(storage, deferredQueueName),
    ]);
    return [{ ok: true, detail: 'tables and queues can be reached' }, facts];
  });
}

/**
 * Names the hub's automatic configurations that compete with policies. The app also works with competing configurations, so this check is
 * always ok.
 */
function configurationsPart(facts: Facts | undefined): HealthPart {
  if (facts === undefined) return { ok: true, detail: 'not known: storage does not answer' };
  const firstTen = facts.competing.slice(0, 10).join(' ');
  return { ok: true, detail: facts.competing.length === 0 ? 'none competes with a policy' : firstTen };
}

function toState(facts: Facts, { identity }: AppStatus): HealthState {
  const { rolledUpAt, open, heldBack, deadLetters, deferred, sweepEndedAt, pendingSince, released, usage } = facts;
  return {
    version: identity.version,
    mode: identity.mode,
    policies: identity.policiesHash,
    ...(rolledUpAt === undefined ? {} : { countedAt: rolledUpAt, open, heldBack }),
    deadLetters,
    deferred,
    ...(usage.lastEventAt === undefined ? {} : { lastEventAt: usage.lastEventAt }),
    ...(sweepEndedAt === undefined ? {} : { lastSweepEndedAt: sweepEndedAt }),
    ...(pendingSince === undefined ? {} : { pendingSince }),
    calls: usage.calls,
    throttled: usage.throttled,
    messagesUsed: usage.messagesToday,
    released,
    competing: facts.competing.slice(0, 10),
  };
}

/** The longest time of one part of the check, in milliseconds: the time-out of one hub call. */
const deadline = 30_000;

/** The result of a check, and what the check has read. */
type Checks<T> = readonly [part: HealthPart, read: T | undefined];

/**
 * Runs a check of the hub or of storage, for at most `deadline` milliseconds. The result of a failed check shows only the code of the
 * error, because the error's message can hold addresses and secrets.
 */
async function withDeadline<T>(service: string, check: () => Promise<Checks<T>>): Promise<Checks<T>> {
  const { promise: timeout, resolve } = Promise.withResolvers<Checks<T>>();
  const fail = (detail: string): Checks<T> => [{ ok: false, detail: `${service}: ${detail}` }, undefined];
  const timer = setTimeout(() => resolve(fail(`no answer in ${deadline / 1000} s`)), deadline);
  const failed = (error: unknown) => {
    if (error instanceof StorageAccessError) return fail(error.message);
    const code = (error as { code?: unknown }).code;
    return fail(`cannot be reached${typeof code === 'string' ? ` (${code})` : ''}`);
  };
  try {
    return await Promise.race([check().catch(failed), timeout]);
  } finally {
    clearTimeout(timer);
  }
}
