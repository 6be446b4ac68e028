import type { Registry } from 'azure-iothub';
import pMap from 'p-map';
import { type Clock, systemClock } from '../clock.ts';
import { once } from '../once.ts';
import { isJsonObject, toTwin } from '../twin/index.ts';
import type { BudgetOptions } from './budget.ts';
import { type BulkEntry, mostEntries, toBulkCalls, toBulkEntry } from './bulk.ts';
import { answersOf, type BulkAnswer, hasThrottledEntries, readBulkAnswer } from './bulk-answer.ts';
import { type Caller, type CallLimits, createCall } from './call.ts';
import { CallGate } from './call-gate.ts';
import { toConfiguration } from './configuration.ts';
import { type ConnectionOptions, type HubAddress, hostOf, openRegistry } from './connection.ts';
import type { Answer, Hub, NewModule } from './hub.ts';
import type { HubShare } from './hub-share.ts';
import { createHubJobs } from './jobs.ts';
import { answerBytes, type MeteredCall, quotaMessageBytes } from './metered-call.ts';
import { retryDefaults } from './retry.ts';

export interface IotHubOptions extends Partial<ConnectionOptions>, Partial<CallLimits> {
  /** The tier and the units of the hub, and the fraction of the hub's throttles to use. Default: half of the throttles of one S1 unit. */
  readonly budget?: Partial<BudgetOptions>;
  readonly clock?: Clock;
  /** The part of the hub's limits that belongs to this process. Default: all of the budget, and no quota of messages. */
  readonly share?: HubShare;
  /** Runs after each HTTP call to the hub, also after each retry. Must not throw. */
  readonly onCalled?: (call: MeteredCall) => void;
  /** Returns a random number from 0 to 1, for the jitter of delays. Default: `Math.random`. */
  readonly random?: () => number;
}

const defaults = {
  ...retryDefaults,
  idleTimeout: 15_000,
  longestWait: 60_000,
  deadline: 15_000,
  queryDeadline: 30_000,
  total: 30_000,
  queryTotal: 60_000,
  breakerFailures: 5,
  breakerOpenFor: 10_000,
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
  const gate = new CallGate({ budget: options.budget, share: options.share, clock, random });

  const call = createCall({
    ...{ registry, address, gate, clock, random, limits: settings },
    messageBytes: quotaMessageBytes(options.budget?.tier),
    onCalled: options.onCalled ?? (() => {}),
  });

  return hubFor({ lane: 'events' });

  function hubFor(caller: Caller): Hub {
    return {
      name: hostOf(address).host,

      async readTwin(deviceId, moduleId) {
        const answer = await call(
          caller,
          (registry) => (moduleId === '' ? registry.getTwin(deviceId) : registry.getModuleTwin(deviceId, moduleId)),
          {
            operation: 'twinRead',
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
          (registry) =>
            moduleId === ''
              ? registry.updateTwin(deviceId, body, etag)
              : registry.updateModuleTwin(deviceId, moduleId, body, etag),
          // The hub bills the size of the update, not of the twin.
          { operation: 'twinUpdate', billedBytes: () => answerBytes(undefined, body) },
        );
        return answer.ok ? done : answer;
      },

      async createModules(modules) {
        const batches = await pMap(
          toBulkCalls(modules, Math.min(mostEntries, gate.mostBulkEntries)),
          (batch) => createBatch(caller, batch),
          {
            concurrency: bulkCallsAtOnce,
          },
        );
        const answers = new Map(batches.flatMap((batch) => [...batch]));
        return modules.map((module) => answers.get(module) ?? unanswered);
      },

      async countDevices() {
        const answer = await call(caller, (registry) => registry.getRegistryStatistics(), { operation: 'identity' });
        if (!answer.ok) return answer;
        const statistics: unknown = answer.value.responseBody;
        const count = isJsonObject(statistics) ? statistics.totalDeviceCount : undefined;
        return { ok: true, value: typeof count === 'number' ? count : 0 };
      },

      async queryPage(query, continuation, size = itemsPerPage) {
        const readPage = async (registry: Registry) => {
          const pages = registry.createQuery(query, size);
          // `next` needs the continuation of the page. Without it, the promise form of `next` returns the first page each time.
          const { result, message } = await pages.next(continuation as string);
          const items: unknown = result;
          return {
            items: Array.isArray(items) ? items.filter(isJsonObject) : [],
            next: pages.continuationToken,
            bytes: answerBytes(message, items),
          };
        };
        const answer = await call(caller, readPage, { operation: 'query', billedBytes: ({ bytes }) => bytes });
        if (!answer.ok) return answer;
        const { items, next } = answer.value;
        return {
          ok: true,
          value: { items, ...(typeof next === 'string' && next !== '' ? { continuation: next } : {}) },
        };
      },

      async listConfigurations() {
        const answer = await call(caller, (registry) => registry.getConfigurations(), { operation: 'configuration' });
        if (!answer.ok) return answer;
        const list: unknown = answer.value.responseBody;
        return { ok: true, value: Array.isArray(list) ? list.filter(isJsonObject).map(toConfiguration) : [] };
      },

      jobs: createHubJobs((use, kind) => call(caller, use, { operation: 'identity', ...kind })),

      lane: (lane, onCall) => hubFor(onCall === undefined ? { lane } : { lane, onCall }),

      waitFor: (operation) => gate.waitFor(operation, caller.lane),
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
    const kind = { operation: 'bulk', operations: batch.length, wasThrottled: hasThrottledEntries } as const;
    // When the answer was lost, a second call could create a module again that somebody deleted in between.
    const answer = await call(caller, create, { ...kind, isRepeatable: false });
    return answer.ok ? answersOf(batch, answer.value) : new Map(batch.map((module) => [module, answer]));
  }
}

/** Number of results on one page of query results (the header `x-ms-max-item-count`). */
const itemsPerPage = 1000;

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
