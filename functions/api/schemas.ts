import * as z from 'zod/mini';
import type { DriftRow } from '../../shared/drift/index.ts';
import type { SweepRow } from '../../shared/sweep/store/index.ts';
import { kinds, outcomes, sources } from './parameters.ts';
import type {
  ComparedModule,
  ComparedProperty,
  DeadLettersPage,
  DeviceAnswer,
  DriftPage,
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
} from './shapes.ts';

/*
 * The shapes of the API's answers, from which its document is made. Nothing is checked against them while the app runs; tests do that with
 * real answers. Not needed until somebody asks for the document.
 */

const about = (text: string) => z.describe(text);
const text = (description: string) => z.string().check(about(description));
const count = (description: string) => z.number().check(z.int(), z.gte(0), about(description));
const time = (description: string) => z.string().check(about(`${description} ISO 8601.`));
const optionalText = (description: string) => z.exactOptional(text(description));
/** JSON of any kind; absent where there is nothing. */
const anything = (description: string) => z.exactOptional(z.any().check(about(description)));
const properties = z.record(z.string(), z.any());
const counts = (description: string) => z.record(z.string(), z.number().check(z.int())).check(about(description));
const cursor = optionalText(
  'Where the next page begins. Absent: there are no more. A page that takes long to find has fewer rows than asked for, even none, and this.',
);
const mode = z.enum(['enforce', 'audit']);

const rowShape = {
  v: z.literal(1).check(about('Version of the stored row.')),
  hub: text("The hub's host name."),
  rowKey: text('With the device id, the identity of the row.'),
  deviceId: z.string(),
  moduleId: text("Empty for the device's own twin."),
  policy: z.string(),
  path: text('Dotted, below `properties.desired`; empty when it is about the module or the twin as a whole.'),
  kind: z.enum(kinds),
  expected: anything('What the policy wants; absent where it wants nothing there.'),
  actual: anything('What was there; absent where nothing was.'),
  write: z
    .object({
      version: z.number().check(about('`$lastUpdatedVersion`')),
      at: time('`$lastUpdated`.'),
      exact: z.boolean().check(about('False when only a later write is known.')),
    })
    .check(about('The write that brought it.')),
  mode,
  message: optionalText("A custom policy's own words, or why nothing can be done about it."),
  detectedAt: time('When it was noticed.'),
  source: z.enum(sources),
  operationTimestamp: optionalText('When the hub did the operation whose event told of it.'),
  correlationId: z.exactOptional(z.string()),
  twinVersion: z.exactOptional(z.number()),
  desiredVersion: z.exactOptional(z.number()),
  outcome: z.enum(outcomes),
  outcomeAt: time('When it had this outcome.'),
  closedAt: optionalText('When a row that stayed open after its outcome ceased to be out of line.'),
  error: optionalText('Why it could not be mended.'),
};
// `expected` and `actual` are always there in memory, and are not in JSON where they are undefined.
const driftRow: z.ZodMiniType<Omit<DriftRow, 'expected' | 'actual'>> = z.object(rowShape);
const openRow: z.ZodMiniType<Omit<OpenRow, 'expected' | 'actual'>> = z.object({
  ...rowShape,
  why: z
    .object({
      state: z.enum(['audited', 'heldBack', 'contested', 'failed', 'deferred', 'pending']),
      reason: text('In a sentence.'),
    })
    .check(about('Why it is not mended.')),
});

const driftPage: z.ZodMiniType<Rows<DriftPage>> = z.object({ rows: z.array(driftRow), cursor });
const openPage: z.ZodMiniType<Rows<OpenPage>> = z.object({ rows: z.array(openRow), cursor });

const summary: z.ZodMiniType<SummaryAnswer> = z.object({
  from: time('What was counted begins with the hour that the `from` of the question is in.'),
  to: time('What was counted ends with the hour that the `to` of the question is in, or now.'),
  countedAt: optionalText('When the last of these hours was counted; absent where nothing is known of any. ISO 8601.'),
  bucket: text('As asked for.'),
  buckets: z
    .array(
      z.object({
        from: time('Where it begins.'),
        total: count('Departures that were noticed.'),
        byPolicy: counts('By policy.'),
        byKind: counts('By kind.'),
        byOutcome: counts('By outcome.'),
      }),
    )
    .check(about('Without those in which nothing was noticed. Counted every five minutes.')),
  total: count('In all buckets.'),
  topDevices: z.array(z.object({ deviceId: z.string(), count: count('Departures.') })),
  topProperties: z.array(z.object({ policy: z.string(), path: z.string(), count: count('Departures.') })),
  timeToEnforcedMs: z.exactOptional(
    z
      .object({ p50: z.number(), p99: z.number() })
      .check(
        about(
          'From the change to the mended twin, in milliseconds, within an eighth; absent where nothing was mended.',
        ),
      ),
  ),
  compliance: z
    .array(
      z.object({
        at: time('The hour.'),
        policy: z.string(),
        devices: count('In the scope of the policy.'),
        compliant: count('Of those, in line.'),
      }),
    )
    .check(about('Oldest first.')),
});

const comparedProperty: z.ZodMiniType<ComparedProperty> = z.object({
  policy: z.string(),
  path: text('Dotted, below `properties.desired`; empty when it is about the module or the twin as a whole.'),
  rule: text('The rule in words.'),
  expected: anything('What the policy would put there; absent where it wants nothing there.'),
  actual: anything('What is there; absent where nothing is.'),
  ok: z.boolean(),
  kind: z.exactOptional(z.enum(kinds)),
  message: z.exactOptional(z.string()),
});

const comparedModule: z.ZodMiniType<ComparedModule> = z.object({
  moduleId: text("Empty for the device's own twin."),
  exists: z.boolean(),
  policies: z.array(z.string()).check(about('The policies about it whose scope the device is in.')),
  properties: z.array(comparedProperty),
  desired: z.exactOptional(properties.check(about('`properties.desired`, without its metadata.'))),
});

const device: z.ZodMiniType<Rows<DeviceAnswer> & { open: unknown }> = z.object({
  deviceId: z.string(),
  exists: z.boolean().check(about('False for a device that only the history knows.')),
  edge: z.boolean(),
  tags: properties,
  at: time('When its twins were read.'),
  policies: z.array(z.string()).check(about('The policies whose scope the device is in.')),
  modules: z.array(comparedModule),
  open: z.array(openRow).check(about('What is out of line, by the history.')),
  rows: z.array(driftRow).check(about('The last 50 rows, newest first.')),
});

const reconcile: z.ZodMiniType<Rows<ReconcileAnswer> & { open: unknown }> = z.object({
  deviceId: z.string(),
  status: z.enum(['done', 'putOff']).check(about('`putOff`: not all could be done now; the sweep finds what is left.')),
  found: count('Departures that were found out of line.'),
  changed: count('Properties set back or removed, and modules created.'),
  rows: z.array(driftRow).check(about('The history rows that it wrote or changed, newest first.')),
  open: z.array(openRow).check(about('What is still out of line.')),
});

const policy: z.ZodMiniType<PolicyAnswer> = z.object({
  name: z.string(),
  module: text("Empty: it is about the devices' own twins."),
  mode,
  createModule: z.boolean(),
  appliesTo: z.exactOptional(
    z
      .object({
        tags: z.exactOptional(properties),
        edge: z.exactOptional(z.boolean()),
        deviceId: z.exactOptional(z.string()),
      })
      .check(about('Absent where a function decides.')),
  ),
  properties: z.array(z.object({ path: z.string(), rule: z.string(), expected: anything('What it sets it to.') })),
  evaluates: z.boolean().check(about('Whether it has an `evaluate` of its own.')),
  devices: z.exactOptional(count('In its scope, as the last sweep counted them.')),
  openDevices: count('Out of line with it now.'),
  compliant: z.exactOptional(count('`devices` without `openDevices`.')),
});
const policies: z.ZodMiniType<PoliciesAnswer> = z.object({ policies: z.array(policy) });

const sweep: z.ZodMiniType<SweepRow> = z.object({
  v: z.literal(1),
  id: z.string(),
  trigger: z.enum(['timer', 'manual']),
  startedAt: time('When it began.'),
  endedAt: optionalText('When everything had been asked; what was found may still be worked on.'),
  state: z.enum(['running', 'done', 'abandoned']),
  resumed: count('How often it was gone on with after a deadline or a crash.'),
  examined: count('Twins that were looked at one by one.'),
  found: count('Departures.'),
  changed: count('Properties set back or removed, and modules created.'),
  hubCalls: count('HTTP calls to the hub.'),
  deferred: count('Devices that are tried again.'),
  parts: count('That the work was handed out in.'),
  partsDone: count('Of those, done.'),
  lastPartAt: optionalText('When the last of them was done; absent before.'),
  competing: z.array(z.string()).check(about('Automatic configurations of the hub that compete with policies.')),
  walked: z.array(z.string()).check(about('Policies that cannot be asked as queries.')),
});
const sweeps: z.ZodMiniType<SweepsAnswer> = z.object({ sweeps: z.array(sweep), cursor });

const deadLetters: z.ZodMiniType<DeadLettersPage> = z.object({
  letters: z.array(
    z.object({
      id: z.string(),
      at: time('When it was given up.'),
      reason: z.string(),
      deviceId: text('Empty where the event did not say.'),
    }),
  ),
  cursor,
});
const replay: z.ZodMiniType<ReplayAnswer> = z.object({ id: z.string(), status: z.literal('replayed') });
const sweepAccepted: z.ZodMiniType<SweepAcceptedAnswer> = z.object({
  status: z.literal('accepted'),
  detail: z.string(),
});

const check = z.object({ ok: z.boolean(), detail: z.string() });
const health = z.object({
  status: z.enum(['healthy', 'unhealthy']),
  checks: z.object({ settings: check, hub: check, storage: check, configurations: check }),
});

const problem: z.ZodMiniType<ProblemAnswer> = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().check(z.int()),
    detail: text('What is wrong, and the way out.'),
    parameter: optionalText('The parameter at fault.'),
  })
  .check(about('RFC 9457'));

/** A page as it is in JSON. */
type Rows<P extends { readonly rows: unknown }> = Omit<P, 'rows' | 'open'> & { readonly rows: unknown };

/** Every answer by the name that it has in the document. */
export const schemas = {
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
  Problem: problem,
  OpenApi: z.looseObject({ openapi: z.string() }),
} as const;

export type SchemaName = keyof typeof schemas;
