/** The schemas of the API's answers about sweeps, actions and dead letters. */
import * as z from 'zod/mini';
import { actionKinds } from '../../shared/actions/index.ts';
import type { SweepRow } from '../../shared/sweep/store/index.ts';
import { count, cursor, optionalText, text, time } from './answer-parts.ts';
import type {
  ActionsAnswer,
  DeadLettersPage,
  ReleaseAnswer,
  ReplayAnswer,
  SweepAcceptedAnswer,
  SweepsAnswer,
} from './answers.ts';

const look = z.object({
  how: z
    .enum(['query', 'count', 'read'])
    .check(
      z.describe(
        '`query`: the hub was asked for twins that break the policy. `count`: devices and modules were counted. `read`: each was read.',
      ),
    ),
  at: time('Every twin was as the sweep says at this time or later. The results of a query may be some minutes older.'),
});

const sweep: z.ZodMiniType<SweepRow> = z.object({
  v: z.literal(1),
  id: z.string(),
  trigger: z.enum(['timer', 'manual']),
  startedAt: time('When the sweep started.'),
  policiesVersion: optionalText('The hash of all policies that the sweep checked. Absent in old rows.'),
  appVersion: optionalText('The version of the app that began the sweep. Absent in old rows.'),
  endedAt: optionalText('When all queries of the sweep were done. Repairs may still be under way.'),
  state: z.enum(['running', 'done', 'abandoned']),
  resumed: count('Times the sweep was resumed after a deadline or a crash.'),
  examined: count('Twins that were checked one by one.'),
  found: count('Drifts.'),
  changed: count('Properties set or removed, and modules created.'),
  hubCalls: count('HTTP calls to the hub.'),
  deferred: count('Devices that a work item did not finish at its first attempt.'),
  waiting: count('Devices that still wait in the queue, for their first attempt or for a retry.'),
  alreadyQueued: count(
    'Devices that the sweep found and did not queue, because they were already waiting in the queue.',
  ),
  heldBack: count(
    'Modules that the sweep found and did not read, because a guard still holds their repair back and their twins have not changed.',
  ),
  parts: count('Work items that the repairs were divided into.'),
  partsDone: count(
    'Work items that were handled at least once. Some of their devices may wait for a retry: see `waiting`.',
  ),
  lastPartAt: optionalText('When the last work item was done. Absent before.'),
  competing: z
    .array(z.string())
    .check(z.describe('Automatic configurations of the hub that compete with policies, one sentence each.')),
  walked: z
    .array(z.string())
    .check(
      z.describe(
        'Policies that no hub query can express, with the reason, and which part of their twins the sweep read.',
      ),
    ),
  warnings: z
    .array(z.string())
    .check(
      z.describe(
        'Probable mistakes in policies, one sentence each: a scope without any device, or a module id that differs only in case.',
      ),
    ),
  verified: z.exactOptional(
    z
      .record(
        z.string(),
        z.object({
          version: optionalText('The hash of the policy that was verified.'),
          values: z.exactOptional(look),
          modules: z.exactOptional(look),
        }),
      )
      .check(
        z.describe(
          'How the sweep looked at all devices of each policy: at the values of their twins, and whether they have the module. Counts when the sweep is done.',
        ),
      ),
  ),
});
export const sweeps: z.ZodMiniType<SweepsAnswer> = z.object({ sweeps: z.array(sweep), cursor });

const action: z.ZodMiniType<ActionsAnswer['actions'][number]> = z.object({
  v: z.literal(1),
  id: z.string(),
  at: time('When the action began.'),
  action: z.enum(actionKinds),
  by: z
    .discriminatedUnion('type', [
      z.object({ type: z.literal('user'), name: z.string(), id: text('The object id in Microsoft Entra ID.') }),
      z.object({ type: z.literal('key'), key: z.enum(['none', 'function', 'master']) }),
      z.object({ type: z.literal('commandLine'), user: z.string(), host: z.string() }),
      z.object({ type: z.literal('app') }),
    ])
    .check(
      z.describe(
        'Who acted: an operator whom the platform has authenticated, the holder of a kind of key, or a user of the command with the storage account, as the command states it. `app`: the app noticed the change, and does not know who it was.',
      ),
    ),
  target: z
    .object({
      policy: z.exactOptional(z.string()),
      deviceId: z.exactOptional(z.string()),
      deadLetterId: z.exactOptional(z.string()),
    })
    .check(z.describe('The subject of the action. Empty when the action is about the whole app.')),
  reason: text('Why, in the words of the actor. Empty when no reason was given.'),
  result: z
    .enum(['started', 'done', 'failed'])
    .check(z.describe('`started`: the action runs, or its process died before the end.')),
  detail: text('What the action did, or the error. Empty while the result is `started`.'),
  endedAt: optionalText('When the action ended. ISO 8601. Absent while the result is `started`.'),
  appVersion: text('The version of the app or of the command that acted.'),
});
export const actions: z.ZodMiniType<ActionsAnswer> = z.object({ actions: z.array(action), cursor });

export const deadLetters: z.ZodMiniType<DeadLettersPage> = z.object({
  letters: z.array(
    z.object({
      id: z.string(),
      at: time('When the event became a dead letter.'),
      reason: z.string(),
      deviceId: text('Empty when the event names no device.'),
      replayed: z.exactOptional(
        z
          .object({ at: time('When the letter was replayed.'), by: text('Who replayed the letter.') })
          .check(z.describe('Only with `state=replayed`.')),
      ),
    }),
  ),
  cursor,
  countedOnly: z
    .array(
      z.object({
        fault: z.enum([
          'noProperties',
          'unknownOperation',
          'noDeviceId',
          'differentIds',
          'invalidId',
          'badBody',
          'unprocessable',
        ]),
        hour: time('The start of the hour in which the events came.'),
        count: count('Events that were counted and not stored.'),
        firstAt: time('When the first of these events came.'),
        lastAt: time('When the last of these events came.'),
        reason: text('The reason of the last of these events.'),
      }),
    )
    .check(
      z.describe(
        'Unusable events that were only counted, newest hour first. Of each fault, the first 100 events in an hour become dead letters. ' +
          'Only the first page has entries.',
      ),
    ),
});
export const released: z.ZodMiniType<ReleaseAnswer> = z.object({
  policy: z.string(),
  until: time('Until when the policy has no limit.'),
});
export const replay: z.ZodMiniType<ReplayAnswer> = z.object({ id: z.string(), status: z.literal('replayed') });
export const sweepAccepted: z.ZodMiniType<SweepAcceptedAnswer> = z.object({
  status: z.literal('accepted'),
  detail: z.string(),
});
