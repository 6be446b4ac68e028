import * as z from 'zod/mini';
import { anyJson, count, cursor, mode, optionalText, properties, text, time } from './answer-parts.ts';
import type {
  ComparedModule,
  ComparedProperty,
  DeviceAnswer,
  DriftPage,
  FoundDevicesAnswer,
  OpenPage,
  OpenThenPage,
  PoliciesAnswer,
  PolicyAnswer,
  PolicyVersionsAnswer,
  ProblemAnswer,
  ReconcileAnswer,
} from './answers.ts';
import { health, healthDetails, unhealthy } from './health-schemas.ts';
import { actions, deadLetters, released, replay, sweepAccepted, sweeps } from './operation-schemas.ts';
import { kinds } from './parameter-schemas.ts';
import { deviceThen, driftRow, openRow, rowThen, standingThen, verification } from './row-schemas.ts';
import { fleet, summary } from './summary-schemas.ts';

/*
 * The schemas of the API's answers. `/api/openapi.json` is made from these schemas, and they are loaded only for that document. Each schema
 * is declared with the type of the same answer in `answers.ts`, so the schema and the type agree. The app does not check its answers with
 * the schemas; the tests do.
 */

const driftPage: z.ZodMiniType<WithRows<DriftPage>> = z.object({ rows: z.array(driftRow), cursor });
const openPage: z.ZodMiniType<WithRows<OpenPage>> = z.object({ rows: z.array(openRow), cursor });
const openThenPage: z.ZodMiniType<WithRows<OpenThenPage>> = z.object({
  rows: z.array(rowThen),
  cursor,
  standing: z.exactOptional(standingThen.check(z.describe('What was in force then. Only on the first page.'))),
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
  ...verification,
});

const foundDevices: z.ZodMiniType<FoundDevicesAnswer> = z.object({
  devices: z.array(z.object({ deviceId: z.string() })).check(z.describe('In the order of the hub.')),
  cursor,
  searched: z.object({
    by: z
      .enum(['query', 'walk'])
      .check(
        z.describe(
          '`query`: the hub has searched. `walk`: the hub refuses queries for a part of an id, so the app has read ids page by page.',
        ),
      ),
    read: count('Ids that the hub sent for this answer.'),
    complete: z.boolean().check(z.describe('Whether all devices of the hub are searched.')),
  }),
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
const policies: z.ZodMiniType<PoliciesAnswer> = z.object({
  policies: z.array(policy),
  fleet,
  open: z
    .object({
      total: count('Open rows.'),
      byReason: z
        .record(z.string(), z.number().check(z.int()))
        .check(z.describe('Open rows by the reason why the drift is not repaired, such as `heldBack: contested`.')),
    })
    .check(z.describe('The open rows of all policies, also of policies that the app no longer has.')),
  openCountedAt: text(
    'The time of the counts `openDevices` and `open`. The time of the request when at most 40 rows are open, and otherwise that of the last roll-up.',
  ),
});

const policyVersions: z.ZodMiniType<PolicyVersionsAnswer> = z.object({
  policy: z.string(),
  versions: z
    .array(
      z.object({
        version: text('The hash of the definition, as rows name it in `policyVersion`.'),
        firstSeenAt: time('When the app first ran with it.'),
        appVersion: text('The version of the app that first ran with it.'),
        definition: properties.check(z.describe('The definition. A function is the text `function ` and its source.')),
      }),
    )
    .check(z.describe('The versions that the app has run with, newest first.')),
  inForce: z
    .array(
      z.object({
        since: time('When the period began.'),
        until: optionalText('When it ended, ISO 8601. Absent while it lasts.'),
        version: text('The hash of the definition.'),
        mode: z.enum(['enforce', 'audit']),
        appVersion: text('The version of the app.'),
      }),
    )
    .check(z.describe('When which version was in force, newest first.')),
  differences: z.exactOptional(
    z
      .array(
        z.object({
          path: text('Dotted path in the definition.'),
          before: anyJson('The value in the version `before`. Absent when it has none.'),
          after: anyJson('The value in the version `after`. Absent when it has none.'),
        }),
      )
      .check(z.describe('The values that differ. Absent when the request names no versions.')),
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

/**
 * The type of an answer, with `unknown` as the type of its rows. The compiler compares the schemas of rows with the types of rows in
 * `row-schemas.ts`, and need not compare them here again.
 */
type WithRows<P extends { readonly rows: unknown }> = Omit<P, 'rows' | 'open'> & { readonly rows: unknown };

/** The schemas of the answers, by the names that they have in the OpenAPI document. */
export const answerSchemas = {
  DriftRow: driftRow,
  OpenRow: openRow,
  RowThen: rowThen,
  DriftPage: driftPage,
  OpenPage: z.union([openPage, openThenPage]),
  Summary: summary,
  Device: z.union([device, deviceThen]),
  FoundDevices: foundDevices,
  Reconciled: reconcile,
  Policies: policies,
  PolicyVersions: policyVersions,
  Sweeps: sweeps,
  Actions: actions,
  DeadLetters: deadLetters,
  Released: released,
  Replayed: replay,
  SweepAccepted: sweepAccepted,
  Health: health,
  HealthDetails: healthDetails,
  Unhealthy: unhealthy,
  Problem: problem,
  OpenApi: z.looseObject({ openapi: z.string() }),
} as const;

export type AnswerSchemaName = keyof typeof answerSchemas;
