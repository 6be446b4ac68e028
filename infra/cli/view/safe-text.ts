import { escapeHidden } from '../../../functions/api/escape-hidden.ts';

/**
 * Makes a text that comes from outside, such as a value of a twin, safe for a terminal. The result is one line of at most `longest`
 * characters. Each control character or invisible character becomes `?`.
 */
export function safeText(text: string, longest = 200): string {
  const safe = text.slice(0, longest * 4).replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '?');
  const characters = [...safe];
  return characters.length > longest || text.length > longest * 4
    ? `${characters.slice(0, Math.max(0, longest - 1)).join('')}…`
    : safe;
}

/** A value as JSON text that is safe for a terminal: control characters and invisible characters are escaped. */
export function safeJson(value: unknown): string {
  return escapeHidden(JSON.stringify(value));
}
