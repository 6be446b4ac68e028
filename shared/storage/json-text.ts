/**
 * A JSON value as text, like `JSON.stringify`, but however deep it is nested: `JSON.parse` reads what `JSON.stringify` then runs out
 * of stack for, and what came in as an event must be kept. Anything that JSON has no word for becomes `null`.
 */
export function toJsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null';
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return toDeepJsonText(value);
  }
}

function toDeepJsonText(root: unknown): string {
  const text: string[] = [];
  // What is still to be written, the next at the end.
  const rest: ({ readonly text: string } | { readonly value: unknown })[] = [{ value: root }];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if ('text' in next) {
      text.push(next.text);
      continue;
    }
    const { value } = next;
    if (typeof value !== 'object' || value === null || 'toJSON' in value) {
      text.push(JSON.stringify(value) ?? 'null');
      continue;
    }
    const isList = Array.isArray(value);
    const entries = Object.entries(value).toReversed();
    rest.push({ text: isList ? ']' : '}' });
    for (const [index, [key, inner]] of entries.entries()) {
      rest.push({ value: inner });
      const comma = index === entries.length - 1 ? '' : ',';
      rest.push({ text: isList ? comma : `${comma}${JSON.stringify(key)}:` });
    }
    text.push(isList ? '[' : '{');
  }
  return text.join('');
}
