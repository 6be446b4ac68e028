import type { JsonObject, Twin } from '../twin/index.ts';
import type { OperationClass } from './throttle-limits.ts';

/** Why the hub did not do what was asked, told apart by what the caller can do about it. */
export type Problem =
  /** 404: the device, or the module on it, does not exist. */
  | { readonly type: 'gone'; readonly what: 'device' | 'module'; readonly message: string }
  /** 409: it exists already. */
  | { readonly type: 'exists'; readonly message: string }
  /** 412: someone else has written since the twin was read. Read again, decide again. */
  | { readonly type: 'conflict'; readonly message: string }
  /**
   * 429 after all retries, or not even sent because the budget has no room in time. `retryAfter`: milliseconds after which there may be room.
   */
  | { readonly type: 'throttled'; readonly message: string; readonly retryAfter?: number }
  /** 5xx, a time-out, a broken connection, after all retries: it may succeed later. */
  | { readonly type: 'transient'; readonly message: string }
  /** 400, 401, 403 and whatever else asking again would not change. */
  | { readonly type: 'refused'; readonly status: number; readonly message: string };

/** What came of a call: a value, or a problem that the caller must choose about. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** A module that is to be created together with its twin. */
export interface NewModule {
  readonly deviceId: string;
  readonly moduleId: string;
  readonly desired: JsonObject;
  readonly tags: JsonObject;
}

/** One page of a query's results. Without a continuation it was the last. Pages may be empty and still not be the last. */
export interface QueryPage {
  readonly items: readonly JsonObject[];
  readonly continuation?: string;
}

/** An automatic configuration of the hub ("Automatic device and module management"), as far as it can compete with a policy. */
export interface Configuration {
  readonly id: string;
  /** A `WHERE` condition for device twins; for module twins it begins with `FROM devices.modules WHERE`. */
  readonly targetCondition: string;
  readonly priority: number;
  /** What it sets on devices' twins, keyed by dotted paths that begin with `properties.desired`. */
  readonly deviceContent: JsonObject;
  /** The same for modules' twins. */
  readonly moduleContent: JsonObject;
}

/** Who calls. Both share the hub's budget: events come first, and the sweep gets what they leave, but never nothing. */
export type Lane = 'events' | 'sweep';

/** IoT Hub, in the words of this project. Retries, time-outs, budgets and connections are hidden; problems are values. */
export interface Hub {
  /** The hub's host name, as history rows name it. */
  readonly name: string;
  /** The twin of a module, or of the device itself when `moduleId` is `''`. One call. */
  readTwin(deviceId: string, moduleId: string): Promise<Answer<Twin>>;
  /** Merges a patch into the desired properties, if the twin still has this ETag. One call. */
  patchDesired(deviceId: string, moduleId: string, etag: string, patch: JsonObject): Promise<Answer<void>>;
  /** Creates modules with their twins, 100 to a call and no device twice in one, a few calls at a time. Answers in the order of `modules`. */
  createModules(modules: readonly NewModule[]): Promise<readonly Answer<void>[]>;
  /** How many devices the hub has: the cheapest question that shows that it can be reached and lets us in. */
  countDevices(): Promise<Answer<number>>;
  /** One page of a query, the one after `continuation`; a thousand results at most. Results can lag the twins by minutes. One call. */
  queryPage(query: string, continuation?: string): Promise<Answer<QueryPage>>;
  /** The hub's automatic configurations. One call. */
  listConfigurations(): Promise<Answer<readonly Configuration[]>>;
  /**
   * The same hub, over the same connections and within the same budget, for another caller. `onCall` is told of each HTTP call that is made
   * through it, retries included.
   */
  lane(lane: Lane, onCall?: () => void): Hub;
  /**
   * How long the next call of a class would wait for the budget on this lane, in milliseconds, as far as can be told now. Who has a queue can
   * put work back for so long rather than wait.
   */
  waitFor(operation: OperationClass): number;
}
