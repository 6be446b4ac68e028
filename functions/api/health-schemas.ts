/** The schemas of the health answers. `answer-schemas.ts` lists them. */
import * as z from 'zod/mini';
import { count, counts, mode, optionalText, text, time } from './answer-parts.ts';
import type { HealthAnswer, HealthDetails, HealthProblem, HealthState } from './health-answers.ts';

const check = z.object({ ok: z.boolean(), detail: z.string() });

const healthStatus = z
  .enum(['healthy', 'unhealthy', 'unknown'])
  .check(
    z.describe(
      'unhealthy: the app does not do its work. unknown: no check has ended yet, because the hub or the storage account answers slowly.',
    ),
  );

const problem: z.ZodMiniType<HealthProblem> = z.object({
  code: text('A code that does not change, such as `sweepOverdue`.'),
  severity: z
    .enum(['ill', 'warning', 'information'])
    .check(
      z.describe('ill: the app does not do its work. warning: somebody should act. information: nothing is wrong.'),
    ),
  sentence: text('What is wrong.'),
  advice: text('What to do.'),
});

const state: z.ZodMiniType<HealthState> = z.object({
  version: z.string(),
  mode,
  policies: text('A hash of all policy definitions.'),
  countedAt: optionalText('When the open rows were counted. ISO 8601.'),
  open: z.exactOptional(count('Open rows.')),
  heldBack: z.exactOptional(counts('Open rows that are held back, by reason.')),
  deadLetters: count('Dead letters. At most 5,000 are counted.'),
  deferred: count('Devices that wait for a retry in the queue, approximately.'),
  lastEventAt: optionalText('When events of the hub arrived last. ISO 8601.'),
  lastSweepEndedAt: optionalText('When the last sweep that finished ended. ISO 8601.'),
  pendingSince: optionalText('Since when history rows may be pending. ISO 8601.'),
  calls: counts('Calls to the hub in five minutes, by class of operations.'),
  throttled: counts('How many of these calls got a 429.'),
  messagesUsed: count("Messages that the app took from the hub's daily quota today (UTC)."),
  released: z.array(z.object({ policy: z.string(), until: time('The end of the release.') })),
  competing: z.array(z.string()).check(z.describe("Settings of the hub's configurations that break policies.")),
});

export const health: z.ZodMiniType<HealthAnswer> = z.object({ status: healthStatus });

export const healthDetails: z.ZodMiniType<HealthDetails> = z.object({
  status: healthStatus,
  checkedAt: z.exactOptional(time('When the check ended.')),
  checks: z.exactOptional(z.object({ settings: check, hub: check, storage: check, configurations: check })),
  problems: z.exactOptional(z.array(problem).check(z.describe('The worst first.'))),
  state: z.exactOptional(state.check(z.describe('Absent when storage does not answer.'))),
});

export const unhealthy = z.object({
  status: z.literal('unhealthy'),
  faults: z.exactOptional(
    z
      .array(z.string())
      .check(z.describe('What is wrong with the settings and the policies. Only in an app that could not start.')),
  ),
});
