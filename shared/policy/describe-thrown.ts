/** Describes a thrown value in at most 500 characters. Never throws, even when reading the value does. */
export function describeThrown(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return text.length > 500 ? `${text.slice(0, 500)}…` : text;
  } catch {
    return 'a value that cannot be shown';
  }
}
