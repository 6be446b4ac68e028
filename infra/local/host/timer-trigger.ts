/**
 * Timer triggers. When there are several hosts, a blob lease lets only one host run a timer. A host that starts after a missed run runs the
 * timer at once.
 */
import { type BlobLeaseClient, type BlockBlobClient, ContainerClient, RestError } from '@azure/storage-blob';
import { Cron } from 'croner';
import { describeError } from './log.ts';
import { connectionString } from './settings.ts';
import { delay, type Trigger, type TriggeredFunction, type TriggerHost } from './trigger.ts';
import { type ScheduleStatus, timerInfo } from './trigger-data.ts';

/** Name of the blob container in which the runtime keeps the locks and the schedules of timers. */
const hostsContainer = 'azure-webjobs-hosts';
/**
 * Seconds until a lease expires: the shortest time that Azure Storage allows. When the lease of a killed host expires, another host runs
 * the timer.
 */
const leaseSeconds = 15;

/**
 * Starts a timer. The timer's schedule is an NCRONTAB expression of five or six fields, in UTC.
 * @throws An Error whose message is one line and names the function and its schedule, when the schedule is malformed.
 */
export async function startTimerTrigger(triggered: TriggeredFunction, host: TriggerHost): Promise<Trigger> {
  const { name, options } = triggered;
  const cron = parseSchedule(name, String(options.schedule ?? ''));
  const storage = connectionString(name, 'AzureWebJobsStorage', host.environment);
  const container = new ContainerClient(storage, hostsContainer);
  await container.createIfNotExists();
  const lock = container.getBlockBlobClient(`locks/${host.hostId}/Host.Functions.${name}.Listener`);
  const statusBlob = container.getBlockBlobClient(`timers/${host.hostId}/Host.Functions.${name}/status`);
  const isMonitored = (options.useMonitor ?? true) && shortestIntervalMs(cron) >= 60_000;
  const stopping = new AbortController();
  let lease: BlobLeaseClient | undefined;

  const nextAfter = (date: Date): Date => {
    const next = cron.nextRun(date);
    if (next === null) throw new Error(`Function "${name}": "${options.schedule}" has no next time.`);
    return next;
  };

  async function run(status: ScheduleStatus | undefined, isPastDue: boolean): Promise<void> {
    await host.invoker.invoke(name, () => timerInfo(status, isPastDue), { retries: true });
  }

  async function keepSchedule(): Promise<void> {
    await createIfMissing(lock);
    lease = await acquire(lock, stopping.signal, (error) => host.log('warning', name, describeError(error)));
    if (lease === undefined) return;
    void renew(lease, stopping.signal, (error) => host.log('warning', name, `lock lost: ${describeError(error)}`));

    let status = isMonitored ? await readStatus(statusBlob) : undefined;
    const isPastDue = status !== undefined && nextAfter(status.last ?? status.lastUpdated).getTime() < Date.now();
    if (isPastDue || options.runOnStartup === true) {
      await run(status, isPastDue);
    }
    let next = nextAfter(new Date());
    const keepStatus = async (last?: Date) => {
      if (!isMonitored) return;
      status = { ...(last !== undefined && { last }), next, lastUpdated: new Date() };
      await writeStatus(statusBlob, status);
    };
    await keepStatus(isPastDue ? new Date() : status?.last);
    for (;;) {
      // A timer of Node cannot wait longer than 24 days, so one wait here lasts one day at most.
      while (!stopping.signal.aborted && Date.now() < next.getTime()) {
        await delay(Math.min(next.getTime() - Date.now(), 86_400_000), stopping.signal);
      }
      if (stopping.signal.aborted) return;
      await run(status, false);
      const last = next;
      // As in the runtime, the scheduled times that passed during a long run are skipped.
      next = nextAfter(new Date(Math.max(last.getTime(), Date.now())));
      await keepStatus(last);
    }
  }

  const schedule = keepSchedule().catch((error) => host.log('error', name, `timer stopped: ${describeError(error)}`));
  return {
    stop: () => stopping.abort(),
    async close() {
      const late = new Promise((resolve) => setTimeout(resolve, 2_000).unref());
      await Promise.race([schedule, late]);
      await lease?.releaseLease().catch(() => undefined);
    },
    runNow: () => run(undefined, false),
  };
}

function parseSchedule(name: string, schedule: string): Cron {
  const fields = schedule.trim().split(/\s+/).length;
  try {
    if (fields !== 5 && fields !== 6) throw new Error(`it has ${fields} fields`);
    return new Cron(schedule, { timezone: 'UTC', domAndDow: true });
  } catch (error) {
    throw new Error(
      `Function "${name}": "${schedule}" is not an NCRONTAB expression such as "0 */15 * * * *": ${error instanceof Error ? error.message : error}.`,
    );
  }
}

function shortestIntervalMs(cron: Cron): number {
  const times = cron.nextRuns(10).map((date) => date.getTime());
  return Math.min(...times.slice(1).map((time, index) => time - (times[index] ?? 0)));
}

async function createIfMissing(blob: BlockBlobClient): Promise<void> {
  try {
    await blob.upload('', 0, { conditions: { ifNoneMatch: '*' } });
  } catch (error) {
    // These two statuses mean that the blob already exists. The blob can have a lease or not.
    if (!(error instanceof RestError) || (error.statusCode !== 409 && error.statusCode !== 412)) throw error;
  }
}

async function acquire(
  blob: BlockBlobClient,
  signal: AbortSignal,
  warn: (error: unknown) => void,
): Promise<BlobLeaseClient | undefined> {
  while (!signal.aborted) {
    const lease = blob.getBlobLeaseClient();
    try {
      await lease.acquireLease(leaseSeconds);
      return lease;
    } catch (error) {
      if (!(error instanceof RestError && error.statusCode === 409)) warn(error);
      await delay(1_000, signal);
    }
  }
  return undefined;
}

async function renew(lease: BlobLeaseClient, signal: AbortSignal, warn: (error: unknown) => void): Promise<void> {
  for (;;) {
    await delay(leaseSeconds * 400, signal);
    if (signal.aborted) return;
    await lease.renewLease().catch(warn);
  }
}

async function readStatus(blob: BlockBlobClient): Promise<ScheduleStatus | undefined> {
  if (!(await blob.exists())) return undefined;
  const { Last, Next, LastUpdated } = JSON.parse((await blob.downloadToBuffer()).toString());
  return {
    ...(Last !== undefined && { last: new Date(Last) }),
    next: new Date(Next),
    lastUpdated: new Date(LastUpdated),
  };
}

async function writeStatus(blob: BlockBlobClient, status: ScheduleStatus): Promise<void> {
  const text = JSON.stringify({ Last: status.last, Next: status.next, LastUpdated: status.lastUpdated });
  await blob.upload(text, Buffer.byteLength(text));
}
