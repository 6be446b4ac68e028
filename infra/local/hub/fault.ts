/** A simulated fault: the calls that fail, and the ways in which they fail. */
import * as z from 'zod/mini';
import type { BulkFault } from './bulk-fault.ts';
import { type CallClass, callClasses } from './calls.ts';
import { checkOptions } from './check-options.ts';

/** One way in which a call can fail. */
export type FaultKind =
  /**
   * The hub responds with this status and does not run the operation. `retryAfter` is the value of the header `Retry-After` in whole
   * seconds.
   */
  | { readonly status: FaultStatus; readonly retryAfter?: number }
  /** The connection breaks without a response. With `before`, the operation does not run. With `after`, the operation has run. */
  | { readonly drop: 'before' | 'after' }
  /** The response comes `delay` milliseconds later. `operation`: whether the operation runs before the delay (default) or after it. */
  | { readonly delay: number; readonly operation?: 'before' | 'after' }
  /** The answer of a bulk call does not say correctly which entries were carried out. Calls of other classes are not affected. */
  | { readonly bulk: BulkFault };

/** The HTTP statuses of failed calls: 429 (throttled), 500 (internal error) and 503 (unavailable). Clients must expect them at any time. */
export type FaultStatus = (typeof faultStatuses)[number];

/** The description of a simulated fault, as plain JSON. */
export interface Fault {
  /** Share of the matching calls that fail: a number from 0 (no call) to 1 (every call). */
  readonly share: number;
  /** Classes of calls that the fault matches. Default: all classes. */
  readonly classes?: readonly CallClass[];
  /** The fault matches only calls of this caller: a shared access policy or an identity. Default: calls of every caller. */
  readonly caller?: string;
  /** The ways in which calls fail. For each call that fails, the fault picks one of them at random, each with the same probability. */
  readonly kinds: readonly FaultKind[];
  /** Duration of the fault in seconds. Default: the fault lasts until all faults are replaced. */
  readonly seconds?: number;
  /** Seed of the random numbers that select the calls that fail and the kinds of failure. Default: 1. */
  readonly seed?: number;
}

const faultStatuses = [429, 500, 503] as const;

const beforeOrAfter = z.enum(['before', 'after']);

const wholeSeconds = 'must be a whole number of seconds, 0 or more';
const milliseconds = 'must be a number of milliseconds, 0 or more';

const kind = z.union(
  [
    z.strictObject({
      status: z.literal(faultStatuses),
      retryAfter: z.exactOptional(z.int(wholeSeconds).check(z.gte(0, wholeSeconds))),
    }),
    z.strictObject({ drop: beforeOrAfter }),
    z.strictObject({
      delay: z.number(milliseconds).check(z.gte(0, milliseconds)),
      operation: z.exactOptional(beforeOrAfter),
    }),
    z.strictObject({ bulk: z.enum(['withoutTwin', 'unexplained']) }),
  ],
  `must be { status: ${faultStatuses.join(' | ')}, retryAfter?: seconds }, { drop: before | after }, { delay: milliseconds, operation?: before | after } or { bulk: withoutTwin | unexplained }`,
);

const shareRange = 'must be a number from 0 to 1';

/**
 * Checks a list of faults. `callers` are the names of the callers that a fault may contain.
 * @throws {HubError} 400 that lists every mistake.
 */
export function readFaults(value: unknown, callers: readonly string[]): readonly Fault[] {
  const fault = z.strictObject(
    {
      share: z.number(shareRange).check(z.gte(0, shareRange), z.lte(1, shareRange)),
      classes: z.exactOptional(
        z
          .array(z.enum(callClasses, `must be one of ${callClasses.join(', ')}`), 'must be a list of classes')
          .check(z.minLength(1, 'must name a class, or be left out for all')),
      ),
      caller: z.exactOptional(z.enum(callers, `must be one of ${callers.join(', ')}`)),
      kinds: z.array(kind, 'must be a list of kinds').check(z.minLength(1, 'must hold at least one kind')),
      seconds: z.exactOptional(z.number('must be a number of seconds').check(z.gt(0, 'must be more than 0 seconds'))),
      seed: z.exactOptional(z.int('must be a whole number')),
    },
    'must be { share, classes?, caller?, kinds, seconds?, seed? } and nothing else',
  );
  return checkOptions('faults', z.array(fault, 'must be a list of faults'), value);
}
