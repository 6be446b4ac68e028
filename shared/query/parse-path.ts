import type { Path } from '../twin/index.ts';
import { reservedWords, type TokenReader } from './token-reader.ts';

/** Keys at the top of a twin's document. The service minds no case there: its documentation has `SELECT DeviceID, LastActivityTime`. */
const topKeys = new Map(
  [
    ...['deviceId', 'moduleId', 'etag', 'deviceEtag', 'version', 'modelId', 'tags', 'properties', 'capabilities'],
    ...['status', 'statusReason', 'statusUpdateTime', 'connectionState', 'lastActivityTime'],
    ...['cloudToDeviceMessageCount', 'authenticationType', 'x509Thumbprint'],
  ].map((key) => [key.toLowerCase(), key]),
);

/** Keys from the top of the twin's document, and the last of them as it was written. */
export interface WrittenPath {
  readonly path: Path;
  readonly lastKey: string;
}

export function startsPath(tokens: TokenReader): boolean {
  const { type, text } = tokens.peek();
  return type === 'key' || (type === 'word' && !reservedWords.includes(text.toUpperCase()));
}

/** Reads keys with dots between them. What stands in front, `devices.` or `devices.modules.`, only says again what the query is about. */
export function parsePath(tokens: TokenReader): WrittenPath {
  if (!startsPath(tokens)) throw tokens.unexpected('a path such as properties.desired.x');
  const keys = [tokens.take().text];
  while (tokens.takeSymbol('.')) {
    const { type } = tokens.peek();
    if (type !== 'word' && type !== 'key') throw tokens.unexpected("a key after the '.'");
    keys.push(tokens.take().text);
  }
  const written = withoutSource(keys);
  const [first = '', ...rest] = written;
  return { path: [topKeys.get(first.toLowerCase()) ?? first, ...rest], lastKey: written.at(-1) ?? '' };
}

function withoutSource(keys: readonly string[]): readonly string[] {
  if (keys.length < 2 || keys[0]?.toLowerCase() !== 'devices') return keys;
  return keys.length > 2 && keys[1]?.toLowerCase() === 'modules' ? keys.slice(2) : keys.slice(1);
}
