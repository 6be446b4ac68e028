/**
 * Describes a thrown value for a message. A description with more than 500 characters is cut. Never throws, even when the thrown value
 * cannot be read.
 */
export function describeThrown(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return text.length > 500 ? `${text.slice(0, 500)}…` : text;
  } catch {
    return 'a value that cannot be shown';
  }
}
