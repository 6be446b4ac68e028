/**
 * Writes a value as JSON, like `JSON.stringify`, but at any depth. `JSON.parse` reads values that are too deep for `JSON.stringify`,
 * and an event with such a value must be stored. A value that JSON does not have, such as `undefined`, becomes `null`.
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
  // An explicit stack, because recursion would overflow at great depth. The last item is written next.
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
