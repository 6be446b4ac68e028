import * as z from 'zod/mini';
import english from 'zod/v4/locales/en.js';
import { isDeviceId } from '../twin/index.ts';

// The small variant of zod has no words of its own for what is wrong.
// And what it would compile to check faster costs more at start-up than checking a few policies does.
z.config({ ...english(), jitless: true });

const described = (text: string) => z.describe(text);
/** Any JSON value. One schema for all, or each would be spelled out again in the JSON Schema. */
export const json = z.json();

/** Which devices. */
export const scopeShape = z.strictObject({
  tags: z.optional(z.record(z.string(), json).check(described("Values that the device twin's tags must hold."))),
  edge: z.optional(z.boolean().check(described('Only IoT Edge devices, or only others.'))),
  deviceId: z.optional(
    z.string().check(z.minLength(1), described('Pattern for the device id: * stands for any characters.')),
  ),
});

const reportedPath = z
  .string()
  .check(z.regex(/^[^$.\s]+(\.[^$.\s]+)*$/, 'must be a dotted path below properties.reported'));

/** How the agent answers. */
const reportingShape = z.strictObject({
  mirrors: z.optional(
    z
      .boolean()
      .check(described('Each property in desired is expected in reported, at the same path and with the same value.')),
  ),
  failure: z.optional(
    z
      .strictObject({
        path: reportedPath.check(described('The reported property that says so.')),
        value: json.check(described('What it holds when the configuration was refused.')),
        fields: z.optional(reportedPath.check(described('The reported property that lists the fields at fault.'))),
      })
      .check(described('How the agent reports that it refused its configuration.')),
  ),
  graceMinutes: z.optional(
    z
      .number('must be a number of minutes')
      .check(
        z.gte(0, 'must be a number of minutes, 0 or more'),
        described('Minutes that the agent has to take up a change. Default: 60.'),
      ),
  ),
});

/** What policies in TypeScript and in JSON have in common. */
export const commonParts = {
  name: z
    .string()
    .check(
      z.maxLength(64),
      z.regex(
        /^[a-z0-9]+(-[a-z0-9]+)*$/,
        'must be kebab-case: lower-case letters and digits, with single dashes between',
      ),
      described('Unique, kebab-case; the key in every history row.'),
    ),
  description: z.optional(z.string()),
  module: z.optional(
    z
      .string()
      .check(
        z.refine(isDeviceId, 'is no module id that IoT Hub accepts'),
        described("The module whose twin it is about; left out, the device's own twin."),
      ),
  ),
  createModule: z.optional(z.boolean().check(described('Create the module on devices that lack it. Default: false.'))),
  moduleTags: z.optional(z.record(z.string(), json).check(described('The tags a module gets when it is created.'))),
  mode: z.optional(
    z
      .enum(['enforce', 'audit'], 'must be enforce or audit')
      .check(described('Mend what is out of line, or only record it. Default: enforce.')),
  ),
  reported: z.optional(
    reportingShape.check(
      described(
        'How the agent answers to its desired properties. What it did not take is recorded, and nothing is changed.',
      ),
    ),
  ),
  overrideConfigurations: z.optional(
    z
      .boolean()
      .check(described('Mend also what an automatic configuration of the hub sets otherwise. Default: false.')),
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
