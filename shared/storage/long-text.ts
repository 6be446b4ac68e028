/** What one string property of Table Storage takes: 64 KiB of UTF-16. */
const charactersPerProperty = 32_000;

/** A text as properties `name`, `name1`, `name2`, … each short enough for Table Storage. */
export function splitText(name: string, text: string | undefined): Readonly<Record<string, string>> {
  if (text === undefined) return {};
  const parts: Record<string, string> = {};
  for (let index = 0; index * charactersPerProperty < Math.max(1, text.length); index++) {
    const from = index * charactersPerProperty;
    parts[index === 0 ? name : `${name}${index}`] = text.slice(from, from + charactersPerProperty);
  }
  return parts;
}

/** Undoes {@link splitText}. */
export function joinText(name: string, entity: Readonly<Record<string, unknown>>): string | undefined {
  const first = entity[name];
  if (typeof first !== 'string') return undefined;
  let text = first;
  for (let index = 1; typeof entity[`${name}${index}`] === 'string'; index++) text += entity[`${name}${index}`];
  return text;
}
