/** The schemas of history rows in the API's answers. */
import * as z from 'zod/mini';
import type { DriftRow } from '../../shared/drift/index.ts';
import { anyJson, count, mode, optionalText, text, time } from './answer-parts.ts';
import type { DeviceThenAnswer, OpenRow, RowThen, StandingThen, Verification } from './answers.ts';
import { kinds, outcomes, sources } from './parameter-schemas.ts';

const write = z.object({
  version: z.number().check(z.describe('`$lastUpdatedVersion`')),
  at: time('`$lastUpdated`.'),
  exact: z.boolean().check(z.describe('False when that write is unknown and these fields are those of a later write.')),
  by: optionalText('Id of the configuration of the hub that made the write. Absent when no configuration made it.'),
});

const transition = z.object({
  at: time('When the row got the outcome.'),
  outcome: z
    .enum([...outcomes, 'ended'])
    .check(z.describe('The outcome, or `ended` when the drift of an `audited` row ended.')),
  reason: optionalText('Why the row had the outcome. At most 200 characters.'),
  by: z.exactOptional(
    z
      .enum([...sources, 'retries'])
      .check(z.describe('What caused it. `retries`: the last retry failed. Absent in rows of version 1.')),
  ),
  times: z.exactOptional(
    z
      .number()
      .check(z.describe('How often the row got it, with only tries to repair it in between. Absent when once.')),
  ),
  lastAt: optionalText('When it was so for the last time. Absent when once.'),
  omitted: z.exactOptional(z.number().check(z.describe('Transitions before this one that are not kept.'))),
});

const rowShape = {
  v: z.union([z.literal(1), z.literal(2)]).check(z.describe('Version of the stored format.')),
  hub: text("The hub's host name."),
  rowKey: text('Identifies the row together with `deviceId`.'),
  deviceId: z.string(),
  moduleId: text('Empty for the device twin.'),
  policy: z.string(),
  path: text('A dotted path below `properties.desired`. Empty for drift of the whole module or twin.'),
  kind: z.enum(kinds),
  expected: anyJson('The value that the policy wants. Absent when the policy wants none.'),
  actual: anyJson('The value that was found. Absent when there was none.'),
  write: write.check(z.describe('The write to the twin that caused the drift.')),
  mode,
  message: optionalText('The message of a custom policy, or the reason why the drift cannot be repaired.'),
  policyVersion: optionalText('The hash of the policy by which the drift was judged last. Absent in old rows.'),
  appVersion: optionalText('The version of the app that wrote the row last. Absent in old rows.'),
  detectedAt: time('When the drift was detected.'),
  source: z.enum(sources),
  isFirst: z.exactOptional(
    z
      .literal(true)
      .check(z.describe('True when the row is the first about its module, which was missing or had no baseline.')),
  ),
  operationTimestamp: optionalText('The time of the hub operation, from the event that reported the drift.'),
  correlationId: z.exactOptional(z.string()),
  twinVersion: z.exactOptional(z.number()),
  desiredVersion: z.exactOptional(z.number()),
  outcome: z.enum(outcomes),
  outcomeAt: time('When the row got this outcome.'),
  closedAt: optionalText('When the drift of a row that had stayed open ended.'),
  error: optionalText('Why the drift could not be repaired.'),
  transitions: z.exactOptional(
    z
      .array(transition)
      .check(z.describe('Every outcome that the row has had since its detection, oldest first. Absent while none.')),
  ),
  times: z.exactOptional(
    z
      .number()
      .check(
        z.describe(
          'Number of wrong writes that the row records, when more than one: the writes of a contested property.',
        ),
      ),
  ),
  lastWrite: z.exactOptional(write.check(z.describe('The last wrong write that the row records.'))),
  lastActual: anyJson('The value of the last write. Absent when there was none, or when the row records one write.'),
  foldedVersions: z.exactOptional(
    z
      .array(z.number())
      .check(z.describe('The versions of the writes that `times` counts after the first, at most the last 100.')),
  ),
};
const states = ['audited', 'heldBack', 'contested', 'failed', 'deferred', 'pending'] as const;

// The types leave out `expected`, `actual` and `lastActual`. In memory, such a field can be present with the value `undefined`, and the
// JSON then leaves it out.
export const driftRow: z.ZodMiniType<Omit<DriftRow, 'expected' | 'actual' | 'lastActual'>> = z.object(rowShape);
export const openRow: z.ZodMiniType<Omit<OpenRow, 'expected' | 'actual' | 'lastActual'>> = z.object({
  ...rowShape,
  why: z
    .object({
      state: z.enum(states),
      reason: text('One sentence.'),
    })
    .check(z.describe('Why the drift is not repaired.')),
});

export const rowThen: z.ZodMiniType<Omit<RowThen, 'expected' | 'actual' | 'lastActual'>> = z.object({
  ...rowShape,
  was: z
    .object({
      outcome: z.exactOptional(z.enum(outcomes)),
      since: optionalText('Since when the row had this outcome.'),
      reason: optionalText('Why.'),
      by: z.exactOptional(z.enum([...sources, 'retries'])),
    })
    .check(
      z.describe(
        'What was so at that time. The other fields say what is so now. Empty for a row of version 1, which has only its last outcome.',
      ),
    ),
  why: z
    .object({ state: z.enum([...states, 'unknown']), reason: text('One sentence.') })
    .check(z.describe('Why the drift was not repaired then.')),
});

const policyThen = {
  policy: z.string(),
  version: text('The hash of the definition.'),
  mode,
  since: time('Since when these policies were in force together.'),
};
const appVersion = optionalText('The version of the app that ran. Absent before the first record.');
const completeSince = optionalText('Since when the history is complete. Retention may have removed older rows.');

export const verification = {
  verified: z
    .array(
      z.object({
        policy: z.string(),
        at: time('When the twin was looked at.'),
        how: z
          .enum(['event', 'read', 'sweepQuery', 'sweepRead'])
          .check(
            z.describe(
              '`event`: an event told a change. `read`: the twin was read. `sweepQuery`: a sweep asked the hub for twins that break the policy. ' +
                '`sweepRead`: a sweep read all twins.',
            ),
          ),
        module: z.exactOptional(
          z
            .object({ at: time('When.'), how: z.enum(['sweepCount', 'sweepRead']) })
            .check(z.describe('When a sweep last verified that the device has the module.')),
        ),
      }),
    )
    .check(
      z.describe('When the device was last looked at, for each policy. A policy without an entry was never looked at.'),
    ),
  lastVerifiedAt: optionalText(
    'The oldest time of `verified`. Absent when the device was never looked at for one of its policies.',
  ),
} satisfies Record<keyof Verification, z.ZodMiniType>;

export const deviceThen: z.ZodMiniType<Omit<DeviceThenAnswer, 'open'> & { open: unknown }> = z.object({
  deviceId: z.string(),
  at: time('The time that was asked for.'),
  policies: z
    .array(
      z.object({
        ...policyThen,
        applies: z
          .enum(['yes', 'no', 'unknown'])
          .check(z.describe('`unknown`: the tags of the device then, or a function, decided it.')),
      }),
    )
    .check(z.describe('The policies that were in force. Empty before the first record.')),
  appVersion,
  completeSince,
  isRecorded: z
    .boolean()
    .check(
      z.describe(
        'Whether the history has any row of the device. Without one, nothing tells that a device of this id has ever existed.',
      ),
    ),
  open: z.array(rowThen).check(z.describe('What was out of line, since when, and what had been decided.')),
  ...verification,
});

export const standingThen: z.ZodMiniType<StandingThen> = z.object({
  at: time('The time that was asked for.'),
  policies: z
    .array(
      z.object({
        ...policyThen,
        counted: z.exactOptional(
          z
            .object({
              devices: count('Devices in the scope of the policy.'),
              compliant: count('Devices in the scope that complied.'),
            })
            .check(z.describe('As counted in the hour of `at`. Absent when nothing was counted then.')),
        ),
      }),
    )
    .check(z.describe('The policies that were in force. Empty before the first record.')),
  appVersion,
  completeSince,
});
