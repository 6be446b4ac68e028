/**
 * Writes a value as JSON text, like `JSON.stringify`, at any depth of nesting. `JSON.parse` can read values that are too deep for
 * `JSON.stringify`. An event can contain such a value, and must be stored too. Returns the text `null` for a value that JSON cannot
 * express, such as `undefined`.
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
  const written: string[] = [];
  // The texts and values that are still to be written. The last item is written next. A recursive function would overflow the call stack.
  const stack: ({ readonly text: string } | { readonly value: unknown })[] = [{ value: root }];
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if ('text' in next) {
      written.push(next.text);
      continue;
    }
    const { value } = next;
    if (typeof value !== 'object' || value === null || 'toJSON' in value) {
      written.push(JSON.stringify(value) ?? 'null');
      continue;
    }
    const isList = Array.isArray(value);
    const entries = Object.entries(value).toReversed();
    stack.push({ text: isList ? ']' : '}' });
    for (const [index, [key, inner]] of entries.entries()) {
      stack.push({ value: inner });
      const comma = index === entries.length - 1 ? '' : ',';
      stack.push({ text: isList ? comma : `${comma}${JSON.stringify(key)}:` });
    }
    written.push(isList ? '[' : '{');
  }
  return written.join('');
}
