import * as z from 'zod/mini';
import { operationClasses } from '../hub/index.ts';

/**
 * The problems that the status and the health know, by code. `ill`: the tool does not do its work, and the health answers 503. `warning`: the
 * tool works, and somebody should act. `information`: nothing is wrong.
 */
export const problemSeverities = {
  hubUnreachable: 'ill',
  storageUnreachable: 'ill',
  hubQuota: 'ill',
  noEvents: 'ill',
  sweepOverdue: 'ill',
  notReporting: 'ill',
  pendingStuck: 'warning',
  queriesUntrue: 'warning',
  deadLetters: 'warning',
  throttled: 'warning',
  messageShare: 'warning',
  limitLifted: 'warning',
  competing: 'warning',
  auditMode: 'information',
} as const;

export type ProblemCode = keyof typeof problemSeverities;

/** The codes of all problems, the worst first. */
export const problemCodes = Object.keys(problemSeverities) as readonly ProblemCode[];

/** The reasons for which repairs are held back. `settling`: a deleted module is left alone for a while. */
export const heldBackReasons = ['blastRadius', 'contested', 'competing', 'settling', 'other'] as const;

export type HeldBackReason = (typeof heldBackReasons)[number];

/** The text before the JSON of a status in the log. Alerts and the workbook find the status by this text. */
export const statusPrefix = 'twinkeeper.status ';

const number = () => z.number().check(z.gte(0));
const count = () => z.number().check(z.int(), z.gte(0));
/** A record that has every one of these keys, so that a query never meets a missing field. */
const countsBy = <K extends string>(keys: readonly K[]) =>
  z.object(Object.fromEntries(keys.map((key) => [key, count()])) as Record<K, ReturnType<typeof count>>);

/**
 * The schema of a status: how the whole app was at one time. The function `roll-up` logs a status every five minutes as one line, which
 * begins with {@link statusPrefix}. Each number is a JSON number. What is unknown is `null`, never 0. The alerts and the workbook of the
 * deployment read these fields, and docs/operating.md describes them.
 */
export const statusSchema = z.strictObject({
  version: z.string(),
  mode: z.enum(['enforce', 'audit']),
  policies: z.string(),
  devices: z.nullable(count()),
  outOfLine: z.nullable(count()),
  percent: z.nullable(number().check(z.lte(100))),
  compliance: z.array(
    z.strictObject({
      policy: z.string(),
      devices: z.nullable(count()),
      outOfLine: count(),
      percent: z.nullable(number().check(z.lte(100))),
    }),
  ),
  policiesTotal: count(),
  open: count(),
  heldBack: countsBy(heldBackReasons),
  competingConfigurations: count(),
  deadLetters: count(),
  deferred: count(),
  sweepAgeMinutes: z.nullable(number()),
  eventAgeMinutes: z.nullable(number()),
  oldestPendingMinutes: z.nullable(number()),
  calls: countsBy(operationClasses),
  throttled: countsBy(operationClasses),
  throttledTotal: count(),
  messagesUsed: z.nullable(count()),
  messagesAllowed: count(),
  healthy: z.boolean(),
  problems: z.array(z.enum(problemCodes as readonly [ProblemCode, ...ProblemCode[]])),
});

/** How the whole app was at one time: see {@link statusSchema}. */
export type Status = z.output<typeof statusSchema>;
