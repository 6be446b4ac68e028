import type { AccessCode } from '../identity/index.ts';
import type { JsonObject, Twin } from '../twin/index.ts';
import type { OperationClass } from './throttle-limits.ts';

/** The reason why a call to the hub failed. The caller handles each type in a different way. */
export type Problem =
  /** 404: the device does not exist, or the device has no such module. */
  | { readonly type: 'gone'; readonly what: 'device' | 'module'; readonly message: string }
  /** The hub carried out a call only partly, or did not say whether it did. The caller must read the twin. */
  | { readonly type: 'unclear'; readonly message: string }
  /** 409: the device or module exists already. */
  | { readonly type: 'exists'; readonly message: string }
  /** 412: another writer has changed the twin since the caller read it. The caller must read the twin again and make a new decision. */
  | { readonly type: 'conflict'; readonly message: string }
  /**
   * The hub answered 429 to the last retry. Or there was no room for the call (`waits`): in the budget, or in a daily quota of messages (`quota`).
   * Then the work waits, and no attempt has failed. `retryAfter` is the number of milliseconds after which a call may succeed.
   */
  | {
      readonly type: 'throttled';
      readonly message: string;
      readonly retryAfter?: number;
      readonly waits?: true;
      readonly quota?: Quota;
      /** No call is sent, because the hub has not answered for a while. */
      readonly isSilent?: true;
    }
  /** 5xx, 408, a time-out or a broken connection, after all retries. A later call may succeed. */
  | { readonly type: 'transient'; readonly message: string; readonly access?: AccessCode }
  /** 400, 401, 403 or another status. A retry would fail in the same way. */
  | { readonly type: 'refused'; readonly status: number; readonly message: string; readonly access?: AccessCode };

/** A daily quota of messages: the app's share of the hub's quota, or the quota of the whole hub. */
export type Quota = 'share' | 'hub';

/** The result of a call to the hub: a value, or a problem that the caller must handle. */
export type Answer<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problem: Problem };

/** A module that a bulk call creates, with the content of its twin. */
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
 * An automatic configuration or an IoT Edge deployment of the hub. It has only the fields that can conflict with a policy. Source:
 * "Automatic device and module management", "Understand IoT Edge automatic deployments".
 */
export interface Configuration {
  readonly id: string;
  /**
   * The condition that selects the twins: `*` for every device, or a condition as after `WHERE` in a query. For module twins, it starts
   * with `FROM devices.modules WHERE`. An empty text selects no twin.
   */
  readonly targetCondition: string;
  readonly priority: number;
  /** The desired values for device twins, by dotted path. Each path starts with `properties.desired`. */
  readonly deviceContent: JsonObject;
  /** The desired values for module twins, by dotted path. Each path starts with `properties.desired`. */
  readonly moduleContent: JsonObject;
  /**
   * The desired values for modules of IoT Edge devices, by module id and then by dotted path. Only IoT Edge deployments have this content.
   * The target condition of a deployment selects devices.
   */
  readonly modulesContent?: Readonly<Record<string, JsonObject>>;
}

/**
 * The priority lane of a call to the hub. Calls of both lanes use the same budget. Calls for events go first. The sweep gets the calls
 * that events do not need. While calls of both lanes wait, the sweep gets at least one call in ten.
 */
export type Lane = 'events' | 'sweep';

/**
 * The import and export jobs of a hub. An import creates the modules that a blob lists, and an export writes all twins to a blob. A job costs
 * neither identity operations nor messages. A hub runs one job at a time. Source: "Import and export IoT Hub device identities in bulk".
 */
export interface HubJobs {
  /**
   * Starts an import and returns the id of its job. `containerUrl`: the address of the container, with a signature for the hub. The job reads the
   * blob `devices.txt`, and writes the lines that failed to the blob `importErrors.log`.
   */
  startImport(containerUrl: string): Promise<Answer<string>>;
  /**
   * Starts an export and returns the id of its job. The job writes one line for each device and each module to the blob `devices.txt`, without
   * keys. `readExportLine` reads a line.
   */
  startExport(containerUrl: string): Promise<Answer<string>>;
  read(id: string): Promise<Answer<Job>>;
  /** Lists the present and the last jobs of the hub. */
  list(): Promise<Answer<readonly Job[]>>;
  cancel(id: string): Promise<Answer<void>>;
  /** Whether a module has keys, with which its agent can sign in. Costs one identity operation. */
  hasKeys(deviceId: string, moduleId: string): Promise<Answer<boolean>>;
}

export interface Job {
  readonly id: string;
  readonly state: 'waiting' | 'running' | 'completed' | 'failed' | 'cancelled';
  /** Why the job failed. Absent when the hub gives no reason. */
  readonly failure?: string;
  /** The name of the container that the job writes to. Absent when the hub does not tell. */
  readonly container?: string;
}

/**
 * The calls that the app can make to an IoT Hub. Retries, time-outs and budgets are handled inside. A failed call returns a {@link
 * Problem}.
 */
export interface Hub {
  /** The host name of the hub. History rows contain it. */
  readonly name: string;
  /** Reads the twin of a module. When `moduleId` is `''`, reads the device twin. Costs one call of the budget. */
  readTwin(deviceId: string, moduleId: string): Promise<Answer<Twin>>;
  /** Merges a patch into the desired properties of a twin, but only when the twin still has this ETag. Costs one call of the budget. */
  patchDesired(deviceId: string, moduleId: string, etag: string, patch: JsonObject): Promise<Answer<void>>;
  /**
   * Creates modules with their twins in bulk calls. One bulk call has at most 100 modules, and at most one module of each device. The
   * answers are in the same order as `modules`.
   */
  createModules(modules: readonly NewModule[]): Promise<readonly Answer<void>[]>;
  /** Counts the devices of the hub. This is the cheapest call that shows that the connection and the permissions work. */
  countDevices(): Promise<Answer<number>>;
  /**
   * Reads one page of query results, with at most `size` results: 1000 by default. Without `continuation`, reads the first page. The results
   * can be minutes older than the twins. Costs one call of the budget.
   */
  queryPage(query: string, continuation?: string, size?: number): Promise<Answer<QueryPage>>;
  /** Lists the automatic configurations of the hub. Costs one call of the budget. */
  listConfigurations(): Promise<Answer<readonly Configuration[]>>;
  /** The import and export jobs of the hub. */
  readonly jobs: HubJobs;
  /**
   * Returns the same hub for calls of another lane. The connections and the budget stay shared. `onCall` runs before each HTTP call
   * through the returned hub, also before a retry.
   */
  lane(lane: Lane, onCall?: () => void): Hub;
  /**
   * The estimated number of milliseconds that the next call of a class of operations would wait for the budget. A caller that takes its
   * work from a queue can delay that work for this time.
   */
  waitFor(operation: OperationClass): number;
}
