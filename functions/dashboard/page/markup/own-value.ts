/**
 * The value that an object has of its own under this name. Names come from twins: a policy may be called `constructor`, which every
 * object inherits.
 */
export function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
