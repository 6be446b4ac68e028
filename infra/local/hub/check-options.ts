import type * as z from 'zod/mini';
import { invalid, preview } from './errors.ts';
import type { JsonValue } from './json.ts';

/**
 * Returns `value` if it matches `schema`. `name` starts the path of each fault in the message.
 * @throws {HubError} 400 that lists every fault with its path and the offending value.
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
