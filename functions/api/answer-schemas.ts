import * as z from 'zod/mini';
import type { DriftRow } from '../../shared/drift/index.ts';
import type { SweepRow } from '../../shared/sweep/store/index.ts';
import type {
  ComparedModule,
  ComparedProperty,
  DeadLettersPage,
  DeviceAnswer,
  DriftPage,
  HealthAnswer,
  HealthDetails,
  OpenPage,
  OpenRow,
  PoliciesAnswer,
  PolicyAnswer,
  ProblemAnswer,
  ReconcileAnswer,
  ReplayAnswer,
  SummaryAnswer,
  SweepAcceptedAnswer,
  SweepsAnswer,
} from './answers.ts';
import { kinds, outcomes, sources } from './parameter-schemas.ts';

/*
 * The schemas of the API's answers. `/api/openapi.json` is made from these schemas, and they are loaded only for that document. Each schema
 * is declared with the type of the same answer in `answers.ts`, so the schema and the type agree. The app does not check its answers with
 * the schemas; the tests do.
 */

const text = (description: string) => z.string().check(z.describe(description));
const count = (description: string) => z.number().check(z.int(), z.gte(0), z.describe(description));
const time = (description: string) => z.string().check(z.describe(`${description} ISO 8601.`));
const optionalText = (description: string) => z.exactOptional(text(description));
/** Schema of an optional field that holds JSON of any type. */
const anyJson = (description: string) => z.exactOptional(z.any().check(z.describe(description)));
const properties = z.record(z.string(), z.any());
const counts = (description: string) => z.record(z.string(), z.number().check(z.int())).check(z.describe(description));
const cursor = optionalText(
  'Pass it as `cursor` to get the next page. The last page has none. A page with a cursor may have fewer entries than `limit`, even none.',
);
const mode = z.enum(['enforce', 'audit']);

const write = z.object({
  version: z.number().check(z.describe('`$lastUpdatedVersion`')),
  at: time('`$lastUpdated`.'),
  exact: z.boolean().check(z.describe('False when that write is unknown and these fields are those of a later write.')),
  by: optionalText('Id of the configuration of the hub that made the write. Absent when no configuration made it.'),
});

const rowShape = {
  v: z.literal(1).check(z.describe('Version of the stored format.')),
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
  detectedAt: time('When the drift was detected.'),
  source: z.enum(sources),
  operationTimestamp: optionalText('The time of the hub operation, from the event that reported the drift.'),
  correlationId: z.exactOptional(z.string()),
  twinVersion: z.exactOptional(z.number()),
  desiredVersion: z.exactOptional(z.number()),
  outcome: z.enum(outcomes),
  outcomeAt: time('When the row got this outcome.'),
  closedAt: optionalText('When the drift of a row that had stayed open ended.'),
  error: optionalText('Why the drift could not be repaired.'),
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
};
// In memory, the fields `expected`, `actual` and `lastActual` of a row can be present with the value `undefined`. JSON leaves such fields out.
const driftRow: z.ZodMiniType<Omit<DriftRow, 'expected' | 'actual' | 'lastActual'>> = z.object(rowShape);
const openRow: z.ZodMiniType<Omit<OpenRow, 'expected' | 'actual' | 'lastActual'>> = z.object({
  ...rowShape,
  why: z
    .object({
      state: z.enum(['audited', 'heldBack', 'contested', 'failed', 'deferred', 'pending']),
      reason: text('One sentence.'),
    })
    .check(z.describe('Why the drift is not repaired.')),
});

const driftPage: z.ZodMiniType<WithRows<DriftPage>> = z.object({ rows: z.array(driftRow), cursor });
const openPage: z.ZodMiniType<WithRows<OpenPage>> = z.object({ rows: z.array(openRow), cursor });

const summary: z.ZodMiniType<SummaryAnswer> = z.object({
  from: time('Start of the counted time: the start of the hour that contains `from`.'),
  to: time('End of the counted time: the end of the hour that contains `to`, or now.'),
  countedAt: optionalText('When the newest of these hours was counted. Absent when none was counted. ISO 8601.'),
  bucket: text('The `bucket` of the request.'),
  buckets: z
    .array(
      z.object({
        from: time('Start of the bucket.'),
        total: count('Drifts that were detected.'),
        byPolicy: counts('Drifts by policy.'),
        byKind: counts('Drifts by kind.'),
        byOutcome: counts('Drifts by outcome.'),
      }),
    )
    .check(z.describe('Buckets without any drift are left out. Updated every five minutes.')),
  total: count('Drifts in all buckets.'),
  topDevices: z.array(z.object({ deviceId: z.string(), count: count('Drifts.') })),
  topProperties: z.array(z.object({ policy: z.string(), path: z.string(), count: count('Drifts.') })),
  timeToEnforcedMs: z.exactOptional(
    z
      .object({ p50: z.number(), p99: z.number() })
      .check(
        z.describe(
          'Milliseconds from the change to the repair of the twin, exact to one eighth. Absent when nothing was repaired.',
        ),
      ),
  ),
  compliance: z
    .array(
      z.object({
        at: time('Start of the hour.'),
        policy: z.string(),
        devices: count('Devices in the scope of the policy.'),
        compliant: count('Devices in the scope that comply.'),
      }),
    )
    .check(z.describe('Oldest first.')),
});

const comparedProperty: z.ZodMiniType<ComparedProperty> = z.object({
  policy: z.string(),
  path: text('A dotted path below `properties.desired`. Empty for drift of the whole module or twin.'),
  rule: text('The rule in words, such as `from 60 to 2880`.'),
  expected: anyJson('The value that the policy would set. Absent when it would set none.'),
  actual: anyJson('The value of the twin. Absent when there is none.'),
  ok: z.boolean(),
  kind: z.exactOptional(z.enum(kinds)),
  message: z.exactOptional(z.string()),
});

const comparedModule: z.ZodMiniType<ComparedModule> = z.object({
  moduleId: text('Empty for the device twin.'),
  exists: z.boolean(),
  policies: z.array(z.string()).check(z.describe('The policies that are about this twin and apply to the device.')),
  properties: z.array(comparedProperty),
  desired: z.exactOptional(
    properties.check(z.describe('`properties.desired` without its metadata. Absent when the module does not exist.')),
  ),
});

const device: z.ZodMiniType<WithRows<DeviceAnswer> & { open: unknown }> = z.object({
  deviceId: z.string(),
  exists: z.boolean().check(z.describe('False when only the history knows the device.')),
  edge: z.boolean(),
  tags: properties,
  at: time('When the twins were read.'),
  policies: z.array(z.string()).check(z.describe('The policies that apply to the device.')),
  modules: z.array(comparedModule),
  open: z.array(openRow).check(z.describe('The open drift, from the history.')),
  rows: z.array(driftRow).check(z.describe('The last 50 history rows, newest first.')),
});

const reconcile: z.ZodMiniType<WithRows<ReconcileAnswer> & { open: unknown }> = z.object({
  deviceId: z.string(),
  status: z
    .enum(['done', 'putOff'])
    .check(z.describe('`putOff`: some repairs could not be made now. The next sweep makes them.')),
  found: count('Drifts that were found.'),
  changed: count('Properties set or removed, and modules created.'),
  rows: z.array(driftRow).check(z.describe('The history rows that this request wrote or changed, newest first.')),
  open: z.array(openRow).check(z.describe('The drift that is still open.')),
});

const scopeParts = {
  tags: z.exactOptional(properties),
  edge: z.exactOptional(z.boolean()),
  deviceId: z.exactOptional(z.union([z.string(), z.array(z.string())])),
};

const policy: z.ZodMiniType<PolicyAnswer> = z.object({
  name: z.string(),
  module: text('Empty when the policy is about device twins.'),
  mode,
  createModule: z.boolean(),
  appliesTo: z.exactOptional(
    z
      .object({
        ...scopeParts,
        not: z.exactOptional(z.union([z.object(scopeParts), z.array(z.object(scopeParts))])),
      })
      .check(z.describe('The scope as written in the policy. Absent when a function decides.')),
  ),
  properties: z.array(
    z.object({ path: z.string(), rule: z.string(), expected: anyJson('The value that a repair sets.') }),
  ),
  evaluates: z.boolean().check(z.describe('Whether the policy has an `evaluate` function.')),
  devices: z.exactOptional(count('Devices in the scope of the policy, counted by the last sweep.')),
  openDevices: count('Devices with open drift of this policy.'),
  compliant: z.exactOptional(count('`devices` minus `openDevices`.')),
});
const policies: z.ZodMiniType<PoliciesAnswer> = z.object({ policies: z.array(policy) });

const sweep: z.ZodMiniType<SweepRow> = z.object({
  v: z.literal(1),
  id: z.string(),
  trigger: z.enum(['timer', 'manual']),
  startedAt: time('When the sweep started.'),
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
        'Policies that no hub query can express, with the reason. Their modules were checked one by one, or not at all.',
      ),
    ),
  warnings: z
    .array(z.string())
    .check(
      z.describe(
        'Probable mistakes in policies, one sentence each: a scope without any device, or a module id that differs only in case.',
      ),
    ),
});
const sweeps: z.ZodMiniType<SweepsAnswer> = z.object({ sweeps: z.array(sweep), cursor });

const deadLetters: z.ZodMiniType<DeadLettersPage> = z.object({
  letters: z.array(
    z.object({
      id: z.string(),
      at: time('When the event became a dead letter.'),
      reason: z.string(),
      deviceId: text('Empty when the event names no device.'),
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
const replay: z.ZodMiniType<ReplayAnswer> = z.object({ id: z.string(), status: z.literal('replayed') });
const sweepAccepted: z.ZodMiniType<SweepAcceptedAnswer> = z.object({
  status: z.literal('accepted'),
  detail: z.string(),
});

const check = z.object({ ok: z.boolean(), detail: z.string() });
const healthStatus = z
  .enum(['healthy', 'unhealthy', 'unknown'])
  .check(z.describe('unknown: no check has ended yet, because the hub or the storage account answers slowly.'));
const health: z.ZodMiniType<HealthAnswer> = z.object({ status: healthStatus });
const healthDetails: z.ZodMiniType<HealthDetails> = z.object({
  status: healthStatus,
  checkedAt: z.exactOptional(time('When the check ended.')),
  checks: z.exactOptional(z.object({ settings: check, hub: check, storage: check, configurations: check })),
});
const unhealthy = z.object({
  status: z.literal('unhealthy'),
  faults: z.exactOptional(
    z
      .array(z.string())
      .check(z.describe('What is wrong with the settings and the policies. Only in an app that could not start.')),
  ),
});

const problem: z.ZodMiniType<ProblemAnswer> = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().check(z.int()),
    detail: text('What is wrong, and what to do about it.'),
    parameter: optionalText('The name of the wrong parameter.'),
  })
  .check(z.describe('A problem document (RFC 9457).'));

/** The type of an answer with `rows`, where the type of the rows is `unknown`. The row schemas above are checked against the row types. */
type WithRows<P extends { readonly rows: unknown }> = Omit<P, 'rows' | 'open'> & { readonly rows: unknown };

/** The schemas of the answers, by the names that they have in the OpenAPI document. */
export const answerSchemas = {
  DriftRow: driftRow,
  OpenRow: openRow,
  DriftPage: driftPage,
  OpenPage: openPage,
  Summary: summary,
  Device: device,
  Reconciled: reconcile,
  Policies: policies,
  Sweeps: sweeps,
  DeadLetters: deadLetters,
  Replayed: replay,
  SweepAccepted: sweepAccepted,
  Health: health,
  HealthDetails: healthDetails,
  Unhealthy: unhealthy,
  Problem: problem,
  OpenApi: z.looseObject({ openapi: z.string() }),
} as const;

export type AnswerSchemaName = keyof typeof answerSchemas;
