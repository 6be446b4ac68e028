import type { Answer, NewModule } from '../hub/index.ts';

/**
 * The result of one step of a pass over a device. The pass is done, or the device is deferred to a retry, or the pass waits until modules
 * are created. The caller creates the modules of many devices in one bulk call, and then calls `resume` of each waiting pass.
 */
export type PassStep =
  | { readonly deviceId: string; readonly done: DeviceCounts }
  | {
      readonly deviceId: string;
      readonly deferred: string;
      /** Seconds until the retry, when the device only waits: for a deleted module to settle, or for the budget of hub calls. */
      readonly retryAfter?: number;
      readonly done: DeviceCounts;
    }
  | {
      readonly deviceId: string;
      readonly create: readonly NewModule[];
      resume(answer: (module: NewModule) => Answer<void>): Promise<PassStep>;
    };

/** Numbers of departures from policies in one pass over a device. */
export interface DeviceCounts {
  /** Number of departures that the twins showed, including departures that were recorded before. */
  readonly found: number;
  /** Number of departures that the pass repaired. */
  readonly changed: number;
}
