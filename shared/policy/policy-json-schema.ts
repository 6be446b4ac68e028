import * as z from 'zod/mini';
import { commonFields, json, scopeShape } from './policy-schema.ts';

const valueRules = [
  z.strictObject({ $exactly: json }),
  z.strictObject({ $byDefault: json }),
  z.strictObject({ $oneOf: z.array(json).check(z.minLength(1)), $otherwise: json }),
  z.strictObject({ $between: z.tuple([z.number(), z.number()]), $otherwise: z.number() }),
  z.strictObject({ $atLeast: z.number(), $otherwise: z.optional(z.number()) }),
  z.strictObject({ $atMost: z.number(), $otherwise: z.optional(z.number()) }),
  z.strictObject({ $matches: z.string().check(z.minLength(1)), $otherwise: z.string() }),
  z.strictObject({
    $duration: z.union([
      z.string(),
      z.strictObject({ atLeast: z.optional(z.string()), atMost: z.optional(z.string()) }),
    ]),
    $otherwise: z.optional(z.string()),
  }),
] as const;

const rule = z.union([
  ...valueRules,
  z.strictObject({ $optional: z.union([...valueRules, json]) }),
  z.strictObject({ $absent: z.literal(true) }),
]);

const twinKey = z.string().check(z.regex(/^[^$.#\s]+$/));

type DesiredJson = z.infer<typeof rule> | string | number | boolean | unknown[] | { [key: string]: DesiredJson };
const desiredJson: z.ZodMiniType<DesiredJson> = z.lazy(() =>
  z.union([rule, z.string(), z.number(), z.boolean(), z.array(json), z.record(twinKey, desiredJson)]),
);

/** The JSON Schema (draft 2020-12) of a JSON file that contains a policy. Editors and other tools can use it. */
export function policyJsonSchema(): Record<string, unknown> {
  const file = z.strictObject({
    $schema: z.optional(z.string()),
    ...commonFields,
    appliesTo: z.optional(
      scopeShape().check(z.describe('The devices to which the policy applies. A device must match every field given.')),
    ),
    desired: z.optional(z.record(twinKey, desiredJson)),
  });
  return {
    title: 'Twinkeeper policy',
    description: 'The desired properties that a module twin must have, and the devices to which this applies.',
    ...z.toJSONSchema(file),
  };
}
