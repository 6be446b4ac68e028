/** What foreign code threw, in a few words. Never throws itself, whatever the thing does when it is looked at. */
export function describeThrown(thrown: unknown): string {
  try {
    const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
    return text.length > 500 ? `${text.slice(0, 500)}…` : text;
  } catch {
    return 'something that cannot be shown';
  }
}
