import type { Registry } from 'azure-iothub';
import pMap from 'p-map';
import { type Clock, systemClock } from '../clock.ts';
import { once } from '../once.ts';
import { isJsonObject, type JsonObject, toTwin } from '../twin/index.ts';
import { type BudgetOptions, createBudget } from './budget.ts';
import { type BulkEntry, toBulkCalls, toBulkEntry } from './bulk.ts';
import { classifyBulkEntry, classifyError } from './classify.ts';
import { type ConnectionOptions, type HubAddress, hostOf, openRegistry } from './connection.ts';
import { withDeadline } from './deadline.ts';
import type { Answer, Configuration, Hub, Lane, NewModule } from './hub.ts';
import { type Attempt, type RetryOptions, withRetries } from './retry.ts';
import type { OperationClass } from './throttle-limits.ts';

export interface IotHubOptions extends Partial<ConnectionOptions>, Partial<RetryOptions> {
  /** From which the throttles of the hub follow, and the part of them that may be used: by default half of one S1 unit. */
  readonly budget?: Partial<BudgetOptions>;
  /** Milliseconds that a call may wait for the budget, over all its attempts; `Infinity` for those who have time. */
  readonly longestWait?: number;
  /** Milliseconds within which an attempt must have been answered. */
  readonly deadline?: number;
  /** The same for a page of a query, which may be long in coming. */
  readonly queryDeadline?: number;
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

const defaults = {
  idleTimeout: 15_000,
  retries: 4,
  firstDelay: 500,
  longestDelay: 10_000,
  longestWait: 60_000,
  deadline: 30_000,
  queryDeadline: 60_000,
};

/** Bulk calls of one `createModules` that are under way at once. */
const bulkCallsAtOnce = 4;

/**
 * The hub at this address, as those see it who act on events; `lane` gives it to others. Nothing is loaded and nothing is sent before the
 * first call.
 *
 * @throws {RangeError} when the budget is none.
 */
export function connectToHub(address: HubAddress, options: IotHubOptions = {}): Hub {
  const settings = { ...defaults, ...options };
  const { clock = systemClock, random = Math.random } = options;
  const registry = once(() => openRegistry(address, settings));
  const budget = createBudget(options.budget ?? {}, clock, random);

  /** Each attempt, retries too, takes from the budget, and tells it when the hub has had no room. */
  async function call<T>(
    { lane, onCall }: Caller,
    operation: OperationClass,
    use: (registry: Registry) => Promise<T>,
    wasThrottled: (value: T) => boolean = () => false,
  ): Promise<Answer<T>> {
    const client = await registry();
    const patience =
      operation === 'query'
        ? { deadline: settings.queryDeadline, idleTimeout: settings.queryDeadline }
        : { deadline: settings.deadline };
    let patienceLeft = settings.longestWait;

    return withRetries<T>(
      async () => {
        const asked = clock.now().getTime();
        const permit = await budget[operation].acquire(lane, patienceLeft);
        if (!permit.granted) return withheld(operation, permit.retryAfter);
        patienceLeft = Math.max(0, patienceLeft - Math.max(0, clock.now().getTime() - asked));
        onCall?.();
        try {
          const value = await withDeadline(patience, () => use(client));
          if (wasThrottled(value)) permit.refused();
          return { ok: true, value };
        } catch (error) {
          const problem = classifyError(error, clock.now());
          if (problem.type === 'throttled') permit.refused(problem.retryAfter);
          return { ok: false, problem };
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
        const answer = await call(caller, 'twinRead', (registry) =>
          moduleId === '' ? registry.getTwin(deviceId) : registry.getModuleTwin(deviceId, moduleId),
        );
        if (!answer.ok) return answer;
        // An instance of the SDK's own class, whose `toJSON` would copy the whole client: take the parts.
        const { etag, tags, properties, ...rest } = answer.value.responseBody;
        const { version, capabilities } = rest as Partial<Record<string, unknown>>;
        const twin = toTwin({ etag, tags, properties, version, capabilities }, deviceId, moduleId);
        // Where the hub sent no ETag the SDK puts `*`, which would make every write unconditional.
        if (twin !== undefined && twin.etag !== '' && twin.etag !== '*') return { ok: true, value: twin };
        return {
          ok: false,
          problem: { type: 'transient', message: 'the hub answered with something that is no twin' },
        };
      },

      async patchDesired(deviceId, moduleId, etag, patch) {
        const body = { properties: { desired: patch } };
        const answer = await call(caller, 'twinUpdate', (registry) =>
          moduleId === ''
            ? registry.updateTwin(deviceId, body, etag)
            : registry.updateModuleTwin(deviceId, moduleId, body, etag),
        );
        return answer.ok ? done : answer;
      },

      async createModules(modules) {
        const batches = await pMap(toBulkCalls(modules), (batch) => createBatch(caller, batch), {
          concurrency: bulkCallsAtOnce,
        });
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
        const answer = await call(caller, 'query', async (registry) => {
          const pages = registry.createQuery(query, itemsPerPage);
          // Asked without the continuation, the promise form of `next` gives the first page for ever.
          const { result } = await pages.next(continuation as string);
          const items: unknown = result;
          return { items: Array.isArray(items) ? items.filter(isJsonObject) : [], next: pages.continuationToken };
        });
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

      lane: (lane, onCall) => hubFor(onCall === undefined ? { lane } : { lane, onCall }),

      waitFor: (operation) => budget[operation].waitFor(caller.lane),
    };
  }

  async function createBatch(caller: Caller, batch: readonly NewModule[]): Promise<Map<NewModule, Answer<void>>> {
    const entries: BulkEntry[] = batch.map(toBulkEntry);
    const create = async (registry: Registry): Promise<readonly BulkError[]> => {
      try {
        return bulkErrors((await registry.addDevices(entries)).responseBody);
      } catch (error) {
        // A call of which a part failed is answered as an error, too; its body then says which part.
        const errors = bulkErrors(parse((error as { responseBody?: unknown }).responseBody));
        if (errors.length > 0) return errors;
        throw error;
      }
    };
    // A hub that counts entries may run out of room in the middle of a call.
    const answer = await call(caller, 'bulk', create, (errors) =>
      errors.some((error) => classifyBulkEntry(error).type === 'throttled'),
    );
    return new Map(
      batch.map((module) => {
        if (!answer.ok) return [module, answer];
        const entry = answer.value.find(
          ({ deviceId, moduleId }) =>
            deviceId === module.deviceId && (typeof moduleId !== 'string' || moduleId === module.moduleId),
        );
        return [module, entry === undefined ? done : { ok: false, problem: classifyBulkEntry(entry) }];
      }),
    );
  }
}

/** Who makes a call. */
interface Caller {
  readonly lane: Lane;
  readonly onCall?: () => void;
}

/** Not sent at all, so that the work can be put off. */
function withheld(operation: OperationClass, retryAfter: number): Attempt<never> {
  const message = `not sent: the budget for ${operation} calls has room again in ${Math.ceil(retryAfter / 1000)} s`;
  return { ok: false, problem: { type: 'throttled', message, retryAfter }, final: true };
}

function toConfiguration({ id, targetCondition, priority, content }: JsonObject): Configuration {
  const { deviceContent, moduleContent } = isJsonObject(content) ? content : {};
  return {
    id: String(id),
    targetCondition: typeof targetCondition === 'string' ? targetCondition : '',
    priority: typeof priority === 'number' ? priority : 0,
    deviceContent: isJsonObject(deviceContent) ? deviceContent : {},
    moduleContent: isJsonObject(moduleContent) ? moduleContent : {},
  };
}

/** As many as the service gives in one page ("x-ms-max-item-count"). */
const itemsPerPage = 1000;

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

interface BulkError {
  readonly deviceId?: unknown;
  readonly moduleId?: unknown;
  readonly errorCode?: unknown;
  readonly errorStatus?: unknown;
}

/** The `errors` of a bulk answer; none when all went well. */
function bulkErrors(answer: unknown): readonly BulkError[] {
  return isJsonObject(answer) && Array.isArray(answer.errors) ? answer.errors.filter(isJsonObject) : [];
}
