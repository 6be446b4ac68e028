/** Turns values into text that is safe to read: nothing in it can hide or reorder what stands beside it. */

const hiddenCharacters = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Co}\p{Cn}\p{Cs}]/gu;

/**
 * Cuts text to a number of characters, and escapes the characters that a browser would obey or hide: control characters, marks that turn
 * the direction of writing, zero-width characters. Keeps line breaks.
 */
export function printable(value: string, longest = 4200): string {
  const cut = value.length > longest ? `${value.slice(0, longest)}…` : value;
  return cut.replace(hiddenCharacters, (character) =>
    character === '\n' ? character : `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** A JSON value on one line, or spread over several. */
export function json(value: unknown, spread = false): string {
  return value === undefined ? '(none)' : JSON.stringify(value, undefined, spread ? 2 : undefined);
}
