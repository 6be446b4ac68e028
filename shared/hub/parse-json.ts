/** Parses a text as JSON. `undefined` when the text is not JSON. Ignores a byte order mark, with which .NET services may begin a blob. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, '')) as unknown;
  } catch {
    return undefined;
  }
}
