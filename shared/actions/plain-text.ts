/** Largest length of a reason, in characters. */
export const longestReason = 500;

/**
 * Makes one line of plain text from a text that a person or another system wrote. Each run of blanks, line breaks, control characters and
 * marks of writing direction becomes one blank, because such characters could forge a line of a log or a table. Half characters become `�`.
 */
export function plainText(text: string, longest: number): string {
  const line = text
    .toWellFormed()
    .replaceAll(/[\s\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
    .trim();
  // A cut can leave half a character, or a blank, at the end.
  return line.slice(0, longest).toWellFormed().trimEnd();
}
