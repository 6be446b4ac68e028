import type { JsonObject, Twin } from '../twin/index.ts';
import type { OperationClass } from './throttle-limits.ts';

/** The reason why a call failed. The caller handles each type in a different way. */
export type Problem =
  /** 404: the device does not exist, or the device has no such module. */
  | { readonly type: 'gone'; readonly what: 'device' | 'module'; readonly message: string }
  /** 409: the device or module exists already. */
  | { readonly type: 'exists'; readonly message: string }
  /** 412: another writer has changed the twin since the caller read it. The caller must read the twin and decide again. */
  | { readonly type: 'conflict'; readonly message: string }
  /**
   * 429 after all retries, or a call that was not sent because the budget would have made it wait too long. `retryAfter` is the number
   * of milliseconds until a call may succeed.
   */
  | { readonly type: 'throttled'; readonly message: string; readonly retryAfter?: number }
  /** 5xx, a time-out or a broken connection, after all retries. A later call may succeed. */
  | { readonly type: 'transient'; readonly message: string }
  /** 400, 401, 403 or another status that a retry would not change. */
  | { readonly type: 'refused'; readonly status: number; readonly message: string };

/** The result of a call: a value, or a problem that the caller must handle. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** A module to create, with the content of its twin. */
export interface NewModule {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly desired: JsonObject;
  readonly tags: JsonObject;
}

/** One page of query results. The last page has no `continuation`. An empty page is not always the last. */
export interface QueryPage {
  readonly items: readonly JsonObject[];
  readonly continuation?: string;
}

/**
 * An automatic configuration of the hub, reduced to the fields that can conflict with a policy. Source: "Automatic device and module
 * management".
 */
export interface Configuration {
  readonly id: string;
  /** A `WHERE` condition for device twins. A condition for module twins starts with `FROM devices.modules WHERE`. */
  readonly targetCondition: string;
  readonly priority: number;
  /** The values for device twins, by dotted path. Each path starts with `properties.desired`. */
  readonly deviceContent: JsonObject;
  /** The values for module twins, by dotted path. Each path starts with `properties.desired`. */
  readonly moduleContent: JsonObject;
}

/** The priority of a call. Both lanes share the hub's budget. Events go first. The sweep gets the rest, and at least one call in ten. */
export type Lane = 'events' | 'sweep';

/** The calls to an IoT Hub. Retries, time-outs, budgets and connections are hidden. A failed call returns a {@link Problem}. */
export interface Hub {
  /** The hub's host name. History rows use it. */
  readonly name: string;
  /** Reads the twin of a module, or the device twin when `moduleId` is `''`. Costs one call. */
  readTwin(deviceId: string, moduleId: string): Promise<Answer<Twin>>;
  /** Merges a patch into the desired properties, if the twin still has this ETag. Costs one call. */
  patchDesired(deviceId: string, moduleId: string, etag: string, patch: JsonObject): Promise<Answer<void>>;
  /**
   * Creates modules with their twins in bulk calls. A call has at most 100 modules and no device twice. The answers are in the order
   * of `modules`.
   */
  createModules(modules: readonly NewModule[]): Promise<readonly Answer<void>[]>;
  /** Counts the devices of the hub. This is the cheapest call that proves connection and access. */
  countDevices(): Promise<Answer<number>>;
  /**
   * Reads one page of query results, at most 1000. Without `continuation`, the first page. Results can lag behind the twins by
   * minutes. Costs one call.
   */
  queryPage(query: string, continuation?: string): Promise<Answer<QueryPage>>;
  /** Lists the hub's automatic configurations. Costs one call. */
  listConfigurations(): Promise<Answer<readonly Configuration[]>>;
  /**
   * The same hub for calls of another lane. Connections and budget are shared. `onCall` is called before each HTTP call through the
   * returned hub, retries included.
   */
  lane(lane: Lane, onCall?: () => void): Hub;
  /**
   * The estimated time in milliseconds that the next call of a class would wait for the budget on this lane. A caller with a queue can
   * delay its work for that time.
   */
  waitFor(operation: OperationClass): number;
}
