import * as z from 'zod/mini';
import { actionKinds, longestReason } from '../../shared/actions/index.ts';
import type { DriftKind, Outcome, Source } from '../../shared/drift/index.ts';
import { isDeviceId } from '../../shared/twin/index.ts';
import { listSeparators } from './spreadsheet.ts';

/*
 * The schemas of the API's parameters. Each schema checks one parameter. An error message of a schema follows the parameter's name in a
 * sentence, such as `limit must be a whole number`.
 */

/** Lists all members of a union type. The compiler reports an error when a member is missing in `names`. */
const keysOf = <K extends string>(names: Readonly<Record<K, true>>) => Object.keys(names) as [K, ...K[]];

export const kinds = keysOf<DriftKind>({
  missingModule: true,
  missingBaseline: true,
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
  superseded: true,
  gone: true,
  retired: true,
  deferred: true,
  heldBack: true,
  failed: true,
});

export const sources = keysOf<Source>({ event: true, sweep: true, manual: true });

const oneOf = <K extends string>(names: readonly [K, ...K[]], text: string) =>
  z.enum(names, `must be one of ${names.join(', ')}`).check(z.describe(text));

const idRule = "must be 1 to 128 letters, digits and - . + % _ # * ? ! ( ) , : = @ $ '";

export const deviceId = z
  .string()
  .check(z.refine(isDeviceId, idRule), z.describe('A device id, in the same upper and lower case as in IoT Hub.'));

export const idPart = z
  .string()
  .check(
    z.refine(isDeviceId, idRule.replace('must be', 'must be a part of a device id:')),
    z.describe('A part of a device id, in the same upper and lower case.'),
  );

export const tag = z
  .string()
  .check(
    z.regex(/^[^:\p{Cc}]{1,256}(:\P{Cc}{0,512})?$/u, 'must be a tag such as site:north, or the name of a tag alone'),
    z.describe(
      'A tag of the device as `name:value`, or `name` for any value. Dots separate the keys of nested tags: `location.plant:43`.',
    ),
  );

export const moduleId = z.string().check(
  z.refine((text) => text === '' || isDeviceId(text), `${idRule}, or empty for the device twin`),
  z.describe('A module id. Empty for the device twin.'),
);

export const policy = z
  .string()
  .check(
    z.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be the name of a policy: lower-case letters, digits and single dashes'),
    z.maxLength(64, 'must be the name of a policy: at most 64 characters'),
    z.describe('The name of a policy.'),
  );

/** A schema for the version of a policy. `text` is the description in the OpenAPI document. */
export function policyVersion(text: string) {
  return z
    .string()
    .check(
      z.regex(
        /^[A-Za-z0-9_-]{16}$/,
        'must be the version of a policy, as GET /api/policies/{policy}/versions lists it',
      ),
      z.describe(text),
    );
}

export const path = z
  .string()
  .check(
    z.maxLength(8192, 'must be a path of at most 8192 characters'),
    z.describe('A dotted path below `properties.desired`. Empty for drift of the whole module or twin.'),
  );

export const kind = oneOf(kinds, 'The kind of drift.');
export const outcome = oneOf(
  outcomes,
  'An outcome that the drift has, or had at any time since its detection. With `openFrom`: one that it had in that range.',
);
export const outcomeNow = oneOf(outcomes, 'The outcome that the drift has now.');
export const source = oneOf(sources, 'How the drift was detected.');

export const excel = oneOf(
  [...listSeparators],
  'Only for CSV: makes it a file that a spreadsheet program opens right, with this separator. `semicolon` is for countries that write a decimal comma.',
);

export const action = oneOf(actionKinds, 'The kind of action.');

export const reason = z
  .string()
  .check(
    z.maxLength(longestReason, `must be a reason of at most ${longestReason} characters`),
    z.describe(
      'Why, in your words, for the record of actions. Line breaks and control characters become blanks. Do not write secrets.',
    ),
  );

export const letterState = oneOf(
  ['dead', 'replayed'],
  'Which letters: those that are dead now, or those that somebody replayed. `dead` by default.',
);

const timePattern = /^(-\d{1,6}[smhdw]|\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+ -]\d\d:\d\d)?)?)$/;

const time = (text: string) =>
  z
    .string()
    .check(
      z.regex(
        timePattern,
        'must be a time such as 2026-11-22T05:00:00Z, or a time before now such as -24h, -30m or -7d',
      ),
      z.describe(`${text} ISO 8601, in UTC if without an offset, or a time before now: \`-24h\`, \`-30m\`, \`-7d\`.`),
    );

export const from = time('The start of the range, included.');
export const to = time('The end of the range, excluded.');
export const openFrom = time(
  'The start of a range, included: the answer has everything that was out of line at any moment of it, also what was detected before.',
);
export const openTo = time('The end of that range, excluded. Now by default.');
export const at = time('The time to look back to.');

/** Makes a schema that accepts a whole number from 1 to `max`. `text` is the description in the OpenAPI document. */
export function wholeNumber(max: number, text: string) {
  const must = `must be a whole number from 1 to ${max}`;
  return z
    .pipe(
      z.pipe(
        z.string().check(z.regex(/^[1-9]\d{0,8}$/, { error: must, abort: true })),
        z.transform((digits: string) => Number(digits)),
      ),
      z.number().check(z.int(), z.gte(1, must), z.lte(max, must)),
    )
    .check(z.describe(text));
}

export const limit = wholeNumber(1000, 'The largest number of entries in the answer. 100 by default.');

export const cursor = z
  .string()
  .check(
    z.regex(/^[A-Za-z0-9_-]{1,16000}$/, 'must be the cursor of an earlier answer, unchanged'),
    z.describe('The `cursor` of the page before. The other parameters must be the same.'),
  );

export const bucket = z
  .string()
  .check(
    z.regex(/^([1-9]\d{0,3}h|[1-9]\d{0,2}d)$/, 'must be a number of hours or days, such as 1h, 6h or 1d'),
    z.describe('The length of each bucket: `1h`, `6h`, `1d`. `1h` by default.'),
  );

export const zone = z
  .string()
  .check(
    z.refine(isTimeZone, 'must be the name of a time zone, such as Europe/Berlin'),
    z.describe(
      'A time zone, such as `Europe/Berlin`. Buckets of whole days begin at local midnight, and shorter buckets at a local hour. Without it, ' +
        'the first bucket begins with `from`. Counts are by whole hours (UTC): where the offset is no whole number of hours, a bucket begins with ' +
        'the first such hour after the local time.',
    ),
  );

function isTimeZone(name: string): boolean {
  try {
    return name.length <= 64 && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}

const deadLetterIdPattern = /^\d{14}-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const deadLetterId = z
  .string()
  .check(
    z.regex(deadLetterIdPattern, 'must be the id of a dead letter, as GET /api/dead-letters lists it'),
    z.describe('The id of a dead letter, from `GET /api/dead-letters`.'),
  );
