import type { Registry } from 'azure-iothub';
import pMap from 'p-map';
import { type Clock, systemClock } from '../clock.ts';
import { once } from '../once.ts';
import { isJsonObject, type JsonObject, toTwin } from '../twin/index.ts';
import { type BudgetOptions, createBudget } from './budget.ts';
import { type BulkEntry, mostEntries, toBulkCalls, toBulkEntry } from './bulk.ts';
import { answersOf, type BulkAnswer, hasThrottledEntries, readBulkAnswer } from './bulk-answer.ts';
import { classifyError } from './classify.ts';
import { type ConnectionOptions, type HubAddress, hostOf, openRegistry } from './connection.ts';
import { withDeadline } from './deadline.ts';
import type { Answer, Configuration, Hub, Lane, NewModule } from './hub.ts';
import { attemptedBy } from './hub-access.ts';
import { createHubJobs } from './jobs.ts';
import { answerBytes, type MeteredCall, messagesIn, quotaMessageBytes } from './metered-call.ts';
import { type Attempt, type RetryOptions, retryDefaults, withRetries } from './retry.ts';
import type { OperationClass } from './throttle-limits.ts';

export interface IotHubOptions extends Partial<ConnectionOptions>, Partial<RetryOptions> {
  /** The tier and the units of the hub, and the fraction of the hub's throttles to use. Default: half of the throttles of one S1 unit. */
  readonly budget?: Partial<BudgetOptions>;
  /** Maximum milliseconds that a call waits for the budget, in all its attempts together. `Infinity` is allowed. Default: 60,000. */
  readonly longestWait?: number;
  /** Maximum milliseconds of one attempt of a call. Default: 30,000. */
  readonly deadline?: number;
  /** Maximum milliseconds of one attempt to read a page of query results. Queries are slow. Default: 60,000. */
  readonly queryDeadline?: number;
  readonly clock?: Clock;
  /** What the other instances of the app do: they share the budget. Default: there are none. */
  readonly others?: () => { readonly count: number; readonly messages: number };
  /** Runs after each HTTP call to the hub, also after each retry. Must not throw. */
  readonly onCalled?: (call: MeteredCall) => void;
  /** Returns a random number from 0 to 1, for the jitter of delays. Default: `Math.random`. */
  readonly random?: () => number;
}

const defaults = {
  ...retryDefaults,
  idleTimeout: 15_000,
  longestWait: 60_000,
  deadline: 30_000,
  queryDeadline: 60_000,
};

/** Maximum number of bulk calls that one `createModules` makes at the same time. */
const bulkCallsAtOnce = 4;

/**
 * Returns the hub at this address, for calls of the `events` lane. The method `lane` returns the same hub for the other lane. The SDK is
 * loaded, and the connection is opened, at the first call.
 *
 * @throws {RangeError} when an option of the budget is invalid.
 */
export function connectToHub(address: HubAddress, options: IotHubOptions = {}): Hub {
  const settings = { ...defaults, ...options };
  const { clock = systemClock, random = Math.random } = options;
  const registry = once(() => openRegistry(address, settings));
  const { others = () => noOthers } = options;
  const budget = createBudget(options.budget ?? {}, { clock, random, messagesOfOthers: () => others().messages });
  const messageBytes = quotaMessageBytes(options.budget?.tier);

  /**
   * Makes a call to the hub with retries. Each attempt takes its operations from the budget. When the hub throttles an attempt, the budget is
   * informed.
   */
  async function call<T>(
    { lane, onCall }: Caller,
    operation: OperationClass,
    use: (registry: Registry) => Promise<T>,
    { operations = 1, wasThrottled = () => false, billedBytes }: Measures<T> = {},
  ): Promise<Answer<T>> {
    const client = await registry();
    const timeouts =
      operation === 'query'
        ? { deadline: settings.queryDeadline, idleTimeout: settings.queryDeadline }
        : { deadline: settings.deadline };
    let waitLeft = settings.longestWait;

    return withRetries<T>(
      async () => {
        const noRoom = isBilled(operation) ? budget.messages.waitFor(lane) : 0;
        if (noRoom > 0) return notSent(shareUsedUp(budget.messages.limit), noRoom);
        const waitStart = clock.now().getTime();
        const bucket = budget.operations[operation];
        bucket.divideBy(1 + others().count);
        const permit = await bucket.acquire(lane, waitLeft, operations);
        if (!permit.granted) return notSent(`the budget for ${operation} calls has no room`, permit.retryAfter);
        waitLeft = Math.max(0, waitLeft - Math.max(0, clock.now().getTime() - waitStart));
        onCall?.();
        try {
          const value = await withDeadline(timeouts, () => use(client));
          const isThrottled = wasThrottled(value);
          if (isThrottled) permit.refused();
          const messages = billedBytes === undefined ? 0 : messagesIn(billedBytes(value), messageBytes);
          budget.messages.spend(messages);
          options.onCalled?.({ operation, result: isThrottled ? 'throttled' : 'ok', messages });
          return { ok: true, value };
        } catch (error) {
          const problem = classifyError(error, clock.now(), attemptedBy(operation, address));
          if (problem.type === 'throttled') permit.refused(problem.retryAfter);
          options.onCalled?.({ operation, result: problem.type, messages: 0, problem });
          if (problem.type !== 'throttled' || problem.waits !== true) return { ok: false, problem };
          return { ok: false, problem: { ...problem, retryAfter: budget.messages.refused() }, final: true };
        }
      },
      settings,
      clock,
      random,
    );
  }

  return hubFor({ lane: 'events' });

  function hubFor(caller: Caller): Hub {
    return {
      name: hostOf(address).host,

      async readTwin(deviceId, moduleId) {
        const answer = await call(
          caller,
          'twinRead',
          (registry) => (moduleId === '' ? registry.getTwin(deviceId) : registry.getModuleTwin(deviceId, moduleId)),
          {
            billedBytes: ({ httpResponse, responseBody: { tags, properties } }) =>
              answerBytes(httpResponse, { tags, properties }),
          },
        );
        if (!answer.ok) return answer;
        // The response body is an instance of the SDK class `Twin`. Its `toJSON` would copy the whole client, so this code reads each
        // field separately.
        const { etag, tags, properties, ...rest } = answer.value.responseBody;
        const { version, capabilities } = rest as Partial<Record<string, unknown>>;
        const twin = toTwin({ etag, tags, properties, version, capabilities }, deviceId, moduleId);
        // The SDK sets the ETag `*` when the hub sent no ETag. A patch with `*` would overwrite the changes of other writers.
        if (twin !== undefined && twin.etag !== '' && twin.etag !== '*') return { ok: true, value: twin };
        return { ok: false, problem: { type: 'transient', message: 'the hub answered without a twin or its ETag' } };
      },

      async patchDesired(deviceId, moduleId, etag, patch) {
        const body = { properties: { desired: patch } };
        const answer = await call(
          caller,
          'twinUpdate',
          (registry) =>
            moduleId === ''
              ? registry.updateTwin(deviceId, body, etag)
              : registry.updateModuleTwin(deviceId, moduleId, body, etag),
          // The hub bills the size of the update, not of the twin.
          { billedBytes: () => answerBytes(undefined, body) },
        );
        return answer.ok ? done : answer;
      },

      async createModules(modules) {
        const batches = await pMap(
          toBulkCalls(modules, Math.min(mostEntries, budget.operations.bulk.mostAtOnce)),
          (batch) => createBatch(caller, batch),
          {
            concurrency: bulkCallsAtOnce,
          },
        );
        const answers = new Map(batches.flatMap((batch) => [...batch]));
        return modules.map((module) => answers.get(module) ?? unanswered);
      },

      async countDevices() {
        const answer = await call(caller, 'identity', (registry) => registry.getRegistryStatistics());
        if (!answer.ok) return answer;
        const statistics: unknown = answer.value.responseBody;
        const count = isJsonObject(statistics) ? statistics.totalDeviceCount : undefined;
        return { ok: true, value: typeof count === 'number' ? count : 0 };
      },

      async queryPage(query, continuation) {
        const readPage = async (registry: Registry) => {
          const pages = registry.createQuery(query, itemsPerPage);
          // `next` needs the continuation of the page. Without it, the promise form of `next` returns the first page each time.
          const { result, message } = await pages.next(continuation as string);
          const items: unknown = result;
          return {
            items: Array.isArray(items) ? items.filter(isJsonObject) : [],
            next: pages.continuationToken,
            bytes: answerBytes(message, items),
          };
        };
        const answer = await call(caller, 'query', readPage, { billedBytes: ({ bytes }) => bytes });
        if (!answer.ok) return answer;
        const { items, next } = answer.value;
        return {
          ok: true,
          value: { items, ...(typeof next === 'string' && next !== '' ? { continuation: next } : {}) },
        };
      },

      async listConfigurations() {
        const answer = await call(caller, 'configuration', (registry) => registry.getConfigurations());
        if (!answer.ok) return answer;
        const list: unknown = answer.value.responseBody;
        return { ok: true, value: Array.isArray(list) ? list.filter(isJsonObject).map(toConfiguration) : [] };
      },

      jobs: createHubJobs(
        (use) => call(caller, 'identity', use),
        (use) => call(caller, 'identity', use),
      ),

      lane: (lane, onCall) => hubFor(onCall === undefined ? { lane } : { lane, onCall }),

      waitFor: (operation) =>
        Math.max(
          budget.operations[operation].waitFor(caller.lane),
          isBilled(operation) ? budget.messages.waitFor(caller.lane) : 0,
        ),
    };
  }

  async function createBatch(
    caller: Caller,
    batch: readonly NewModule[],
  ): Promise<ReadonlyMap<NewModule, Answer<void>>> {
    const entries: BulkEntry[] = batch.map(toBulkEntry);
    const create = async (registry: Registry): Promise<BulkAnswer> => {
      try {
        return readBulkAnswer((await registry.addDevices(entries)).responseBody) ?? allDone;
      } catch (error) {
        // When some entries of a bulk call failed, the hub answers with an error status. The response body lists the failed entries.
        const answer = readBulkAnswer(parse((error as { responseBody?: unknown }).responseBody));
        if (answer !== undefined) return answer;
        throw error;
      }
    };
    const answer = await call(caller, 'bulk', create, {
      operations: batch.length,
      wasThrottled: hasThrottledEntries,
    });
    return answer.ok ? answersOf(batch, answer.value) : new Map(batch.map((module) => [module, answer]));
  }
}

/** What a call costs, and what its answer says about throttling. */
interface Measures<T> {
  /** The number of operations that the hub counts. Default: 1. */
  readonly operations?: number;
  /** Whether the hub throttled a part of the call. */
  readonly wasThrottled?: (value: T) => boolean;
  /** The number of bytes that count against the message quota. Absent when the hub does not bill the call. */
  readonly billedBytes?: (value: T) => number;
}

/** The lane of a call to the hub, and the callback that runs before each HTTP call. */
interface Caller {
  readonly lane: Lane;
  readonly onCall?: () => void;
}

/** The result of a call that is not sent, because a budget has no room for it. The caller can defer the work. */
function notSent(reason: string, retryAfter: number): Attempt<never> {
  const message = `not sent: ${reason}, the next try is in ${Math.ceil(retryAfter / 1000)} s`;
  return { ok: false, problem: { type: 'throttled', message, retryAfter, waits: true }, final: true };
}

function shareUsedUp(limit: number): string {
  return `Twinkeeper's share of ${limit} messages a day (TWINKEEPER_MESSAGE_SHARE) is used up until 00:00 UTC`;
}

/** Whether the hub counts the calls of a class against its daily message quota. */
function isBilled(operation: OperationClass): boolean {
  return operation === 'twinRead' || operation === 'twinUpdate' || operation === 'query';
}

function toConfiguration({ id, targetCondition, priority, content }: JsonObject): Configuration {
  const { deviceContent, moduleContent, modulesContent } = isJsonObject(content) ? content : {};
  return {
    id: String(id),
    targetCondition: typeof targetCondition === 'string' ? targetCondition : '',
    priority: typeof priority === 'number' ? priority : 0,
    deviceContent: isJsonObject(deviceContent) ? deviceContent : {},
    moduleContent: isJsonObject(moduleContent) ? moduleContent : {},
    ...(isJsonObject(modulesContent) ? { modulesContent: contentByModule(modulesContent) } : {}),
  };
}

function contentByModule(modulesContent: JsonObject): Readonly<Record<string, JsonObject>> {
  return Object.fromEntries(
    Object.entries(modulesContent).flatMap(([moduleId, content]) =>
      isJsonObject(content) ? [[moduleId, content] as const] : [],
    ),
  );
}

/** Number of results on one page of query results (the header `x-ms-max-item-count`). */
const itemsPerPage = 1000;

const noOthers = { count: 0, messages: 0 };

/** The result of a bulk call when the body of the hub's answer says nothing else. */
const allDone: BulkAnswer = { isSuccessful: true, errors: [], warnings: [] };
const done: Answer<void> = { ok: true, value: undefined };
const unanswered: Answer<void> = { ok: false, problem: { type: 'transient', message: 'not part of any call' } };

function parse(text: unknown): unknown {
  if (typeof text !== 'string') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
