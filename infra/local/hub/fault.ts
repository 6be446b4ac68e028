/** A fault that was asked for: to which calls it happens, and what happens to them. */
import * as z from 'zod/mini';
import { CALL_CLASSES, type CallClass } from './calls.ts';
import { checkOptions } from './check-options.ts';

/** What goes wrong with a call. */
export type FaultKind =
  /** This answer instead of the operation; `retryAfter` in whole seconds. */
  | { readonly status: FaultStatus; readonly retryAfter?: number }
  /** The connection breaks without an answer: before the operation, which is then not done, or after it. */
  | { readonly drop: 'before' | 'after' }
  /** The answer comes so many milliseconds late; the operation is done before the wait unless it is to be done `after` it. */
  | { readonly delay: number; readonly operation?: 'before' | 'after' };

/** The failures that clients are told to expect at any time: throttled, internal error, unavailable. */
export type FaultStatus = (typeof STATUSES)[number];

/** As plain data. */
export interface Fault {
  /** Of the calls that it is about, from 0 to 1. */
  readonly share: number;
  /** The calls that it is about: all unless given. */
  readonly classes?: readonly CallClass[];
  /** Only those signed by this shared access policy. */
  readonly policy?: string;
  /** One of these happens, each as often as the others. */
  readonly kinds: readonly FaultKind[];
  /** For how long; until further notice unless given. */
  readonly seconds?: number;
  /** Decides which calls are struck, and by which kind: 1 unless given. */
  readonly seed?: number;
}

const STATUSES = [429, 500, 503] as const;

const when = z.enum(['before', 'after']);

const wholeSeconds = 'must be a whole number of seconds, 0 or more';
const milliseconds = 'must be a number of milliseconds, 0 or more';

const kind = z.union(
  [
    z.strictObject({
      status: z.literal(STATUSES),
      retryAfter: z.exactOptional(z.int(wholeSeconds).check(z.gte(0, wholeSeconds))),
    }),
    z.strictObject({ drop: when }),
    z.strictObject({ delay: z.number(milliseconds).check(z.gte(0, milliseconds)), operation: z.exactOptional(when) }),
  ],
  `must be { status: ${STATUSES.join(' | ')}, retryAfter?: seconds }, { drop: before | after } or { delay: milliseconds, operation?: before | after }`,
);

const shareRange = 'must be a number from 0 to 1';

/** The faults in a value that came from outside. @throws {HubError} 400 naming all that is wrong. */
export function readFaults(value: unknown, policies: readonly string[]): readonly Fault[] {
  const fault = z.strictObject(
    {
      share: z.number(shareRange).check(z.gte(0, shareRange), z.lte(1, shareRange)),
      classes: z.exactOptional(
        z
          .array(z.enum(CALL_CLASSES, `must be one of ${CALL_CLASSES.join(', ')}`), 'must be a list of classes')
          .check(z.minLength(1, 'must name a class, or be left out for all')),
      ),
      policy: z.exactOptional(z.enum(policies, `must be one of ${policies.join(', ')}`)),
      kinds: z.array(kind, 'must be a list of kinds').check(z.minLength(1, 'must hold at least one kind')),
      seconds: z.exactOptional(z.number('must be a number of seconds').check(z.gt(0, 'must be more than 0 seconds'))),
      seed: z.exactOptional(z.int('must be a whole number')),
    },
    'must be { share, classes?, policy?, kinds, seconds?, seed? } and nothing else',
  );
  return checkOptions('faults', z.array(fault, 'must be a list of faults'), value);
}
