/**
 * Maximum number of characters that are stored in one string property of an entity. Table Storage allows 64 KiB in UTF-16, which is 32,768
 * characters.
 */
const charactersPerProperty = 32_000;

/**
 * Splits a text into several properties of an entity: `name`, `name1`, `name2` and so on. Each part is short enough for Table Storage.
 * `undefined` gives no property.
 */
export function splitText(name: string, text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  const properties: Record<string, string> = {};
  for (let index = 0; index * charactersPerProperty < Math.max(1, text.length); index++) {
    const from = index * charactersPerProperty;
    properties[index === 0 ? name : `${name}${index}`] = text.slice(from, from + charactersPerProperty);
  }
  return properties;
}

/** Joins the properties that {@link splitText} made, and returns the whole text. `undefined` when the entity has no property `name`. */
export function joinText(name: string, entity: Readonly<Record<string, unknown>>): string | undefined {
  const first = entity[name];
  if (typeof first !== 'string') return undefined;
  let text = first;
  for (let index = 1; typeof entity[`${name}${index}`] === 'string'; index++) text += entity[`${name}${index}`];
  return text;
}
