import type { IncomingHttpHeaders } from 'node:http';
import type { Problem } from './hub.ts';
import type { HubTier, OperationClass } from './throttle-limits.ts';

/** One HTTP call to the hub, for statistics. */
export interface MeteredCall {
  readonly operation: OperationClass;
  /** `ok`, or the type of the problem. `throttled`: the hub answered 429, or it throttled entries of a bulk call. */
  readonly result: 'ok' | Problem['type'];
  /**
   * The messages that the call took from the daily quota of the hub. The hub counts twin reads, twin updates and query results. All other
   * calls are free. Source: "Azure IoT Hub billing information".
   */
  readonly messages: number;
  /** The problem of a call that failed. */
  readonly problem?: Problem;
}

/**
 * The size of one message in the daily quota of a hub, in bytes: 512 for the free tier and 4096 for all other tiers. Source: "IoT Hub quotas
 * and throttling".
 */
export function quotaMessageBytes(tier: HubTier | undefined): number {
  return tier === 'F1' ? 512 : 4096;
}

/** Whether calls of this class take messages from the daily quota. */
export function takesMessages(operation: OperationClass): boolean {
  return operation === 'twinRead' || operation === 'twinUpdate' || operation === 'query';
}

/** The number of messages that this many bytes take from the quota. At least 1. */
export function messagesIn(bytes: number, messageBytes: number): number {
  return Math.max(1, Math.ceil(bytes / messageBytes));
}

/**
 * The size of an answer of the hub in bytes, from its header `Content-Length`. Without the header, the size of `body` as JSON. The SDK does
 * not show the bytes of the answer.
 */
export function answerBytes(answer: { readonly headers?: IncomingHttpHeaders } | undefined, body: unknown): number {
  const length = Number(answer?.headers?.['content-length'] ?? Number.NaN);
  return Number.isFinite(length) ? length : Buffer.byteLength(JSON.stringify(body) ?? '');
}
