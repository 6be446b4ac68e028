import type * as z from 'zod/mini';
import { invalid, preview } from './errors.ts';
import type { JsonValue } from './json.ts';

/**
 * Returns `value` if it matches `schema`.
 * @throws {HubError} 400 whose message lists every fault of the value: the path of the fault, which begins with `name`, and the offending
 *   value.
 */
export function checkOptions<T>(name: string, schema: z.ZodMiniType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const found = path.reduce<unknown>((at, key) => (at as Readonly<Record<PropertyKey, JsonValue>>)?.[key], value);
    return `${[name, ...path].join('.')} ${message}, and is ${found === undefined ? 'missing' : preview(found)}`;
  });
  throw invalid(faults.join(' - '));
}
