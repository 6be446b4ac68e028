import * as z from 'zod/mini';
import type { DriftKind, Outcome, Source } from '../../shared/drift/index.ts';
import { isDeviceId } from '../../shared/twin/index.ts';

/*
 * The parameters of the API, each checked by itself. What they say must follow their name in a sentence: `limit must be …`.
 */

const about = (text: string) => z.describe(text);
const keysOf = <K extends string>(names: Readonly<Record<K, true>>) => Object.keys(names) as [K, ...K[]];

export const kinds = keysOf<DriftKind>({
  missingModule: true,
  missingProperty: true,
  wrongValue: true,
  forbiddenProperty: true,
  notReported: true,
  custom: true,
  policyError: true,
});

export const outcomes = keysOf<Outcome>({
  pending: true,
  created: true,
  enforced: true,
  audited: true,
  healed: true,
  gone: true,
  deferred: true,
  heldBack: true,
  failed: true,
});

export const sources = keysOf<Source>({ event: true, sweep: true, manual: true });

const oneOf = <K extends string>(names: readonly [K, ...K[]], text: string) =>
  z.enum(names, `must be one of ${names.join(', ')}`).check(about(text));

const idRule = "must be 1 to 128 letters, digits and - . + % _ # * ? ! ( ) , : = @ $ '";

export const deviceId = z
  .string()
  .check(z.refine(isDeviceId, idRule), about('The id of a device, as IoT Hub has it. Upper and lower case count.'));

export const moduleId = z.string().check(
  z.refine((text) => text === '' || isDeviceId(text), `${idRule}, or nothing at all for the device's own twin`),
  about("The id of a module; empty for devices' own twins."),
);

export const policy = z
  .string()
  .check(
    z.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be the name of a policy: lower-case letters, digits and single dashes'),
    z.maxLength(64, 'must be the name of a policy: 64 characters at most'),
    about('The name of a policy.'),
  );

export const path = z
  .string()
  .check(
    z.maxLength(8192, 'must be a path of 8192 characters at most'),
    about('A dotted path below `properties.desired`; empty for what is about a module as a whole.'),
  );

export const kind = oneOf(kinds, 'How something was out of line.');
export const outcome = oneOf(outcomes, 'What came of it.');
export const source = oneOf(sources, 'Where it was noticed.');

const timeForm = /^(-\d{1,6}[smhdw]|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+ -]\d\d:\d\d)?)?)$/;

const time = (text: string) =>
  z
    .string()
    .check(
      z.regex(
        timeForm,
        'must be a time such as 2026-11-22T05:00:00Z, or so long before now, such as -24h, -30m or -7d',
      ),
      about(`${text} ISO 8601, UTC where it has no offset; or so long before now: \`-24h\`, \`-30m\`, \`-7d\`.`),
    );

export const from = time('From this time on.');
export const to = time('Up to this time, and without it.');

/** A whole number from 1 to `most`. */
export function wholeNumber(most: number, text: string) {
  const must = `must be a whole number from 1 to ${most}`;
  return z
    .pipe(
      z.pipe(
        z.string().check(z.regex(/^[1-9]\d{0,8}$/, { error: must, abort: true })),
        z.transform((digits: string) => Number(digits)),
      ),
      z.number().check(z.int(), z.gte(1, must), z.lte(most, must)),
    )
    .check(about(text));
}

export const limit = wholeNumber(1000, 'How many at most. 100 unless given.');

export const cursor = z
  .string()
  .check(
    z.regex(/^[A-Za-z0-9_-]{1,16000}$/, 'must be the cursor of an earlier answer, as it is'),
    about('Where to go on: the `cursor` of the answer before, with the same filters.'),
  );

export const bucket = z
  .string()
  .check(
    z.regex(/^([1-9]\d{0,3}h|[1-9]\d{0,2}d)$/, 'must be so many hours or days, such as 1h, 6h or 1d'),
    about('How long each part is that is counted by itself: `1h`, `6h`, `1d`. `1h` unless given.'),
  );

const letterForm = /^\d{14}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const letterId = z
  .string()
  .check(
    z.regex(letterForm, 'must be the id of a dead letter, as GET /api/dead-letters lists them'),
    about('The id of a dead letter, from `GET /api/dead-letters`.'),
  );
