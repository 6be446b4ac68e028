/**
 * Makes a text from elsewhere, such as a twin's value, safe for a terminal: one line, without control or invisible characters, at most
 * `longest` characters.
 */
export function safeText(text: string, longest = 200): string {
  const safe = text.slice(0, longest * 4).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
  const characters = [...safe];
  return characters.length > longest || text.length > longest * 4
    ? `${characters.slice(0, Math.max(0, longest - 1)).join('')}…`
    : safe;
}

/** JSON that is safe for a terminal: control and invisible characters are escaped. */
export function safeJson(value: unknown): string {
  return escapeHidden(JSON.stringify(value));
}

/** Escapes control and invisible characters as JSON does. */
export function escapeHidden(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, (character) =>
    Array.from({ length: character.length }, (_, unit) => {
      return `\\u${character.charCodeAt(unit).toString(16).padStart(4, '0')}`;
    }).join(''),
  );
}
