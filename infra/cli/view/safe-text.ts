/**
 * Text that others wrote, such as a twin's value, fit for a terminal: on one line, without anything that a terminal obeys or hides, and no
 * longer than so many characters.
 */
export function safeText(text: string, longest = 200): string {
  const safe = text.slice(0, longest * 4).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
  const characters = [...safe];
  return characters.length > longest || text.length > longest * 4
    ? `${characters.slice(0, Math.max(0, longest - 1)).join('')}…`
    : safe;
}

/** JSON that is safe to look at on a terminal, too: what a terminal obeys or hides is written as an escape. */
export function safeJson(value: unknown): string {
  return escapeHidden(JSON.stringify(value));
}

/** Text of any length in which what a terminal obeys or hides is written as JSON escapes it. */
export function escapeHidden(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, unit) => {
      return `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}
