import type * as z from 'zod/mini';
import { invalid, shown } from './errors.ts';
import type { JsonValue } from './json.ts';

/**
 * The value, where it has the shape that it should have.
 * @throws {HubError} 400 naming all that is wrong with it, each with its path and the value that stands there.
 */
export function checkOptions<T>(name: string, shape: z.ZodMiniType<T>, value: unknown): T {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path, message }) => {
    const found = path.reduce<unknown>((at, key) => (at as Readonly<Record<PropertyKey, JsonValue>>)?.[key], value);
    return `${[name, ...path].join('.')} ${message}, and is ${found === undefined ? 'missing' : shown(found)}`;
  });
  throw invalid(faults.join(' - '));
}
