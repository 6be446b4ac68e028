/**
 * The value of an object's own property, or undefined when the object has no such property. Inherited properties are ignored: a policy may
 * have the name `constructor`, which every object inherits.
 */
export function ownValue<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}
