/** Replaces each control character and each invisible character by its JSON escape, such as `\u001b`. */
export function escapeHidden(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu, unicodeEscapes);
}

/** The JSON escapes of a text, such as `\u003d`. Most characters have one, and a character outside the basic plane has two. */
export function unicodeEscapes(text: string): string {
  return Array.from({ length: text.length }, (_, unit) => {
    return `\\u${text.charCodeAt(unit).toString(16).padStart(4, '0')}`;
  }).join('');
}
