/** Parts that several schemas of the API's answers share: texts, counts and times with a description. */
import * as z from 'zod/mini';

export const text = (description: string) => z.string().check(z.describe(description));
export const count = (description: string) => z.number().check(z.int(), z.gte(0), z.describe(description));
export const time = (description: string) => z.string().check(z.describe(`${description} ISO 8601.`));
export const optionalText = (description: string) => z.exactOptional(text(description));
/** Schema of an optional field that holds JSON of any type. */
export const anyJson = (description: string) => z.exactOptional(z.any().check(z.describe(description)));
export const properties = z.record(z.string(), z.any());
export const counts = (description: string) =>
  z.record(z.string(), z.number().check(z.int())).check(z.describe(description));
export const cursor = optionalText(
  'Pass it as `cursor` to get the next page. The last page has none. A page with a cursor may have fewer entries than `limit`, even none.',
);
export const mode = z.enum(['enforce', 'audit']);
