import * as z from 'zod/mini';
import english from 'zod/v4/locales/en.js';
import { isDeviceId } from '../twin/index.ts';

// The small variant of zod has no words of its own for what is wrong.
z.config(english());

/** Describes a schema, for the JSON Schema. `z.describe` would make each a second time, and an app that starts has to wait for it. */
function described<Schema extends z.ZodMiniType>(text: string, schema: Schema): Schema {
  z.globalRegistry.add(schema, { description: text });
  return schema;
}

/** Any JSON value. One schema for all, or each would be spelled out again in the JSON Schema. */
export const json = z.json();

/** Which devices. Made when it is needed: most policies are about all of them. */
export const scopeShape = () =>
  z.strictObject({
    tags: z.optional(described("Values that the device twin's tags must hold.", z.record(z.string(), json))),
    edge: z.optional(described('Only IoT Edge devices, or only others.', z.boolean())),
    deviceId: z.optional(
      described('Pattern for the device id: * stands for any characters.', z.string().check(z.minLength(1))),
    ),
  });

const reportedPath = (text: string) =>
  described(
    text,
    z.string().check(z.regex(/^[^$.\s]+(\.[^$.\s]+)*$/, 'must be a dotted path below properties.reported')),
  );

/** How the agent answers. */
const reportingShape = z.strictObject({
  mirrors: z.optional(
    described(
      'Each property in desired is expected in reported, at the same path and with the same value.',
      z.boolean(),
    ),
  ),
  failure: z.optional(
    described(
      'How the agent reports that it refused its configuration.',
      z.strictObject({
        path: reportedPath('The reported property that says so.'),
        value: json.check(z.describe('What it holds when the configuration was refused.')),
        fields: z.optional(reportedPath('The reported property that lists the fields at fault.')),
      }),
    ),
  ),
  graceMinutes: z.optional(
    described(
      'Minutes that the agent has to take up a change. Default: 60.',
      z.number('must be a number of minutes').check(z.gte(0, 'must be a number of minutes, 0 or more')),
    ),
  ),
});

/** What policies in TypeScript and in JSON have in common. */
export const commonParts = {
  name: described(
    'Unique, kebab-case; the key in every history row.',
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
      "The module whose twin it is about; left out, the device's own twin.",
      z.string().check(z.refine(isDeviceId, 'is no module id that IoT Hub accepts')),
    ),
  ),
  createModule: z.optional(described('Create the module on devices that lack it. Default: false.', z.boolean())),
  moduleTags: z.optional(described('The tags a module gets when it is created.', z.record(z.string(), json))),
  mode: z.optional(
    described(
      'Mend what is out of line, or only record it. Default: enforce.',
      z.enum(['enforce', 'audit'], 'must be enforce or audit'),
    ),
  ),
  reported: z.optional(
    described(
      'How the agent answers to its desired properties. What it did not take is recorded, and nothing is changed.',
      reportingShape,
    ),
  ),
  overrideConfigurations: z.optional(
    described('Mend also what an automatic configuration of the hub sets otherwise. Default: false.', z.boolean()),
  ),
};

/** The outer shape of a policy as TypeScript writes it; `appliesTo` and what stands in `desired` are looked at apart. */
export const policyShape = z.strictObject({
  ...commonParts,
  desired: z.optional(z.unknown()),
  evaluate: z.optional(z.custom((value) => typeof value === 'function', 'must be a function')),
  watches: z.optional(
    z.array(z.string().check(z.regex(/^(desired|reported|tags)(\.|$)/, 'must start with desired, reported or tags'))),
  ),
});
