import type { Registry } from 'azure-iothub';
import { type Clock, systemClock } from '../clock.ts';
import { once } from '../once.ts';
import { isJsonObject, type JsonObject, toTwin } from '../twin/index.ts';
import { type BulkEntry, toBulkCalls, toBulkEntry } from './bulk.ts';
import { classifyBulkEntry } from './classify.ts';
import { type ConnectionOptions, type HubAddress, hostOf, openRegistry } from './connection.ts';
import type { Answer, Configuration, Hub, NewModule } from './hub.ts';
import { type RetryOptions, withRetries } from './retry.ts';

export interface IotHubOptions extends Partial<ConnectionOptions>, Partial<RetryOptions> {
  readonly clock?: Clock;
  /** From 0 to 1, for jitter. */
  readonly random?: () => number;
}

const defaults = { idleTimeout: 15_000, retries: 4, firstDelay: 500, longestDelay: 10_000 };

/** The hub at this address. Nothing is loaded and nothing is sent before the first call. */
export function connectToHub(address: HubAddress, options: IotHubOptions = {}): Hub {
  const settings = { ...defaults, ...options };
  const { clock = systemClock, random = Math.random } = options;
  const registry = once(() => openRegistry(address, settings));

  async function call<T>(use: (registry: Registry) => Promise<T>): Promise<Answer<T>> {
    const client = await registry();
    return withRetries(() => use(client), settings, clock, random);
  }

  const hub: Hub = {
    name: hostOf(address).host,

    async readTwin(deviceId, moduleId) {
      const answer = await call((registry) =>
        moduleId === '' ? registry.getTwin(deviceId) : registry.getModuleTwin(deviceId, moduleId),
      );
      if (!answer.ok) return answer;
      // An instance of the SDK's own class, whose `toJSON` would copy the whole client: take the parts.
      const { etag, tags, properties, ...rest } = answer.value.responseBody;
      const { version, capabilities } = rest as Partial<Record<string, unknown>>;
      const twin = toTwin({ etag, tags, properties, version, capabilities }, deviceId, moduleId);
      // Where the hub sent no ETag the SDK puts `*`, which would make every write unconditional.
      if (twin !== undefined && twin.etag !== '' && twin.etag !== '*') return { ok: true, value: twin };
      return { ok: false, problem: { type: 'transient', message: 'the hub answered with something that is no twin' } };
    },

    async patchDesired(deviceId, moduleId, etag, patch) {
      const body = { properties: { desired: patch } };
      const answer = await call((registry) =>
        moduleId === ''
          ? registry.updateTwin(deviceId, body, etag)
          : registry.updateModuleTwin(deviceId, moduleId, body, etag),
      );
      return answer.ok ? done : answer;
    },

    async createModules(modules) {
      const answers = new Map<NewModule, Answer<void>>();
      for (const batch of toBulkCalls(modules)) {
        for (const [module, answer] of await createBatch(batch)) answers.set(module, answer);
      }
      return modules.map((module) => answers.get(module) ?? unanswered);
    },

    async countDevices() {
      const answer = await call((registry) => registry.getRegistryStatistics());
      if (!answer.ok) return answer;
      const statistics: unknown = answer.value.responseBody;
      const count = isJsonObject(statistics) ? statistics.totalDeviceCount : undefined;
      return { ok: true, value: typeof count === 'number' ? count : 0 };
    },

    async queryPage(query, continuation) {
      const answer = await call(async (registry) => {
        const pages = registry.createQuery(query, itemsPerPage);
        // Asked without the continuation, the promise form of `next` gives the first page for ever.
        const { result } = await pages.next(continuation as string);
        const items: unknown = result;
        return { items: Array.isArray(items) ? items.filter(isJsonObject) : [], next: pages.continuationToken };
      });
      if (!answer.ok) return answer;
      const { items, next } = answer.value;
      return { ok: true, value: { items, ...(typeof next === 'string' && next !== '' ? { continuation: next } : {}) } };
    },

    async listConfigurations() {
      const answer = await call((registry) => registry.getConfigurations());
      if (!answer.ok) return answer;
      const list: unknown = answer.value.responseBody;
      return { ok: true, value: Array.isArray(list) ? list.filter(isJsonObject).map(toConfiguration) : [] };
    },

    lane: () => hub,
  };
  return hub;

  async function createBatch(batch: readonly NewModule[]): Promise<Map<NewModule, Answer<void>>> {
    const entries: BulkEntry[] = batch.map(toBulkEntry);
    const answer = await call(async (registry) => {
      try {
        return bulkErrors((await registry.addDevices(entries)).responseBody);
      } catch (error) {
        // A call of which a part failed is answered as an error, too; its body then says which part.
        const errors = bulkErrors(parse((error as { responseBody?: unknown }).responseBody));
        if (errors.length > 0) return errors;
        throw error;
      }
    });
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
