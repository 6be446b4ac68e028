import * as z from 'zod/mini';
import english from 'zod/v4/locales/en.js';
import { isDeviceId } from '../twin/index.ts';

// `zod/mini` has no texts for error messages until a language is configured. By default, zod compiles an object schema with `new Function`
// on its first parse. The app parses few objects with each schema, so it switches this off, and starts with 3 ms less CPU time.
z.config({ ...english(), jitless: true });

/** Adds a description to a zod schema, for the JSON Schema. */
function described<Schema extends z.ZodMiniType>(text: string, schema: Schema): Schema {
  return schema.check(z.describe(text));
}

/** The zod schema of any JSON value. All fields share this schema, so that the JSON Schema defines it only once. */
export const json = z.json();

/**
 * The zod schema of the scope of a policy (`appliesTo`). It is built only when needed. Most policies apply to all devices and have no scope,
 * and this saves 0.7 ms of CPU time at each start.
 */
export function scopeShape() {
  const pattern = z.string().check(z.minLength(1));
  const parts = {
    tags: z.optional(
      described('Tags that the device twin must have. A list: one of these values.', z.record(z.string(), json)),
    ),
    edge: z.optional(described('true: IoT Edge devices only. false: all other devices only.', z.boolean())),
    deviceId: z.optional(
      described(
        'Pattern for the device id, or a list of patterns. * matches any characters.',
        z.union([pattern, z.array(pattern).check(z.minLength(1))]),
      ),
    ),
  };
  const excluded = z.strictObject(parts);
  return z.strictObject({
    ...parts,
    not: z.optional(
      described(
        'The devices to leave out: those that match all of these parts. A list: those that match one entry.',
        z.union([excluded, z.array(excluded).check(z.minLength(1))]),
      ),
    ),
  });
}

const reportedPath = (text: string) =>
  described(
    text,
    z.string().check(z.regex(/^[^$.\s]+(\.[^$.\s]+)*$/, 'must be a dotted path below properties.reported')),
  );

/** The zod schema of the field `reported` of a policy. */
const reportingShape = z.strictObject({
  mirrors: z.optional(
    described('The agent reports properties of desired at the same path with the same value.', z.boolean()),
  ),
  failure: z.optional(
    described(
      'How the agent reports that it refused its configuration.',
      z.strictObject({
        path: reportedPath('The reported property that shows a refusal.'),
        value: json.check(z.describe('The value of that property after a refusal.')),
        fields: z.optional(reportedPath('The reported property that lists the refused fields.')),
      }),
    ),
  ),
  graceMinutes: z.optional(
    described(
      'Minutes that the agent has to apply a change. Default: 60.',
      z.number('must be a number of minutes').check(z.gte(0, 'must be a number of minutes, 0 or more')),
    ),
  ),
});

/** The zod schemas of the fields that a policy can have both in TypeScript and in JSON. */
export const commonFields = {
  name: described(
    'Unique, kebab-case. The key of the policy in every history row.',
    z
      .string()
      .check(
        z.maxLength(64),
        z.regex(
          /^[a-z0-9]+(-[a-z0-9]+)*$/,
          'must be kebab-case: lower-case letters and digits, with single dashes between',
        ),
      ),
  ),
  description: z.optional(z.string()),
  module: z.optional(
    described(
      'The module whose twin the policy covers. Default: the device twin.',
      z.string().check(z.refine(isDeviceId, 'is not a valid IoT Hub module id')),
    ),
  ),
  createModule: z.optional(described('Create the module on devices that lack it. Default: false.', z.boolean())),
  moduleTags: z.optional(described('The tags of a newly created module.', z.record(z.string(), json))),
  mode: z.optional(
    described(
      'enforce records drift and repairs it. audit only records it. Default: enforce.',
      z.enum(['enforce', 'audit'], 'must be enforce or audit'),
    ),
  ),
  reported: z.optional(
    described(
      'How the agent reports on its desired properties. A setting that the agent refused is only recorded.',
      reportingShape,
    ),
  ),
  overrideConfigurations: z.optional(
    described(
      'Repair a path even when an automatic configuration of the hub sets another value there. Default: false.',
      z.boolean(),
    ),
  ),
};

/** The zod schema of a policy in TypeScript. Other code validates `appliesTo` and the content of `desired`. */
export const policyShape = z.strictObject({
  ...commonFields,
  desired: z.optional(z.unknown()),
  evaluate: z.optional(z.custom((value) => typeof value === 'function', 'must be a function')),
  watches: z.optional(
    z.array(z.string().check(z.regex(/^(desired|reported|tags)(\.|$)/, 'must start with desired, reported or tags'))),
  ),
});
