import type { Lane, Quota } from './hub.ts';

/** What this instance of the app may do at one time. All instances of the app share the throttles and the daily message quota of the hub. */
export interface Admission {
  /** The number of instances that divide the app's share of the throttles. */
  readonly instances: number;
  /**
   * How often this instance has begun to call while others were alive. When the number has grown, the instance starts with empty buckets.
   */
  readonly joins: number;
  /** Why no call may be sent that takes messages from the quota. Absent when such calls may be sent. */
  readonly putOff?: PutOff;
}

/** Calls that take messages are put off, because a quota is used up. */
export interface PutOff {
  readonly quota: Quota;
  /** One sentence without the last full stop. */
  readonly reason: string;
  /** Milliseconds after which a call may be sent. */
  readonly retryAfter: number;
}

/** Divides what the hub allows to the app among the instances of the app. */
export interface HubShare {
  /**
   * Says what the instance may do now, before each call. May read storage, and then takes a moment. Never rejects.
   *
   * @param takesMessages whether the call takes messages from the hub's daily quota
   */
  enter(lane: Lane, takesMessages: boolean): Promise<Admission>;
  /** Why calls that take messages are put off, as far as this instance knows. Reads nothing. */
  putOff(lane: Lane): PutOff | undefined;
}

/** The share of an app that has only one instance, and no quota of its own. */
export const wholeShare: HubShare = {
  enter: () => Promise.resolve({ instances: 1, joins: 0 }),
  putOff: () => undefined,
};
