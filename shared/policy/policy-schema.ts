import { z } from 'zod';
import { isDeviceId } from '../twin/index.ts';

const scope = z
  .strictObject({
    tags: z.record(z.string(), z.json()).optional().describe("Values that the device twin's tags must hold."),
    edge: z.boolean().optional().describe('Only IoT Edge devices, or only others.'),
    deviceId: z.string().min(1).optional().describe('Pattern for the device id: * stands for any characters.'),
  })
  .describe('Which devices the policy is about: all that fit every part given.');

const common = {
  name: z
    .string()
    .max(64)
    .regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be kebab-case: lower-case letters and digits, with single dashes between')
    .describe('Unique, kebab-case; the key in every history row.'),
  description: z.string().optional(),
  module: z
    .string()
    .refine(isDeviceId, 'is no module id that IoT Hub accepts')
    .optional()
    .describe("The module whose twin it is about; left out, the device's own twin."),
  createModule: z.boolean().optional().describe('Create the module on devices that lack it. Default: false.'),
  moduleTags: z.record(z.string(), z.json()).optional().describe('The tags a module gets when it is created.'),
  mode: z
    .enum(['enforce', 'audit'])
    .optional()
    .describe('Mend what is out of line, or only record it. Default: enforce.'),
  overrideConfigurations: z
    .boolean()
    .optional()
    .describe("Enforce even where one of the hub's automatic configurations sets another value. Default: false."),
};

/** The outer shape of a policy as TypeScript writes it; what stands in `desired` is looked at apart. */
export const policyShape = z.strictObject({
  ...common,
  appliesTo: z.union([z.custom((value) => typeof value === 'function'), scope]).optional(),
  desired: z.unknown().optional(),
  evaluate: z.custom((value) => typeof value === 'function', 'must be a function').optional(),
  watches: z
    .array(z.string().regex(/^(desired|reported|tags)(\.|$)/, 'must start with desired, reported or tags'))
    .optional(),
});

const rule = z.union([
  z.strictObject({ $exactly: z.json() }),
  z.strictObject({ $byDefault: z.json() }),
  z.strictObject({ $oneOf: z.array(z.json()).min(1), $otherwise: z.json() }),
  z.strictObject({ $between: z.tuple([z.number(), z.number()]), $otherwise: z.number() }),
  z.strictObject({ $absent: z.literal(true) }),
]);

type DesiredJson = z.infer<typeof rule> | string | number | boolean | unknown[] | { [key: string]: DesiredJson };
const desiredJson: z.ZodType<DesiredJson> = z.lazy(() =>
  z.union([
    rule,
    z.string(),
    z.number(),
    z.boolean(),
    z.array(z.json()),
    z.record(z.string().regex(/^[^$.\s]+$/), desiredJson),
  ]),
);

/** The JSON Schema (draft 2020-12) of a policy in a JSON file, for editors and for other tools. */
export function policyJsonSchema(): Record<string, unknown> {
  const file = z.strictObject({
    $schema: z.string().optional(),
    ...common,
    appliesTo: scope.optional(),
    desired: z.record(z.string().regex(/^[^$.\s]+$/), desiredJson).optional(),
  });
  return {
    title: 'Twinkeeper policy',
    description: 'What a module twin must be on the devices it applies to.',
    ...z.toJSONSchema(file),
  };
}
