/** Turns values into text that is safe to show. No character of the text can hide or reorder the text beside it. */

const hiddenCharacters = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;

/**
 * Cuts text to `longest` characters. Escapes invisible characters: control characters, characters that change the writing direction, and
 * zero-width characters. Keeps line breaks.
 */
export function printable(value: string, longest = 4200): string {
  const cut = value.length > longest ? `${value.slice(0, longest)}…` : value;
  return cut.replace(hiddenCharacters, (character) =>
    character === '\n' ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Writes a JSON value on one line, or on several lines when `spread` is true. Writes `(none)` for undefined. */
export function json(value: unknown, spread = false): string {
  return value === undefined ? '(none)' : JSON.stringify(value, undefined, spread ? 2 : undefined);
}
