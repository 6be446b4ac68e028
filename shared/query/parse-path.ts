import type { Path } from '../twin/index.ts';
import { reservedWords, type TokenReader } from './token-reader.ts';

/** Keys at the root of a twin's document. IoT Hub ignores their case: its documentation uses `SELECT DeviceID, LastActivityTime`. */
const rootKeys = new Map(
  [
    ...['deviceId', 'moduleId', 'etag', 'deviceEtag', 'version', 'modelId', 'tags', 'properties', 'capabilities'],
    ...['status', 'statusReason', 'statusUpdateTime', 'connectionState', 'lastActivityTime'],
    ...['cloudToDeviceMessageCount', 'authenticationType', 'x509Thumbprint'],
  ].map((key) => [key.toLowerCase(), key]),
);

/** A path from the root of the twin's document. */
export interface ParsedPath {
  readonly path: Path;
  /** The last key in the spelling of the query. */
  readonly lastKey: string;
}

/** True when the next token can be the first key of a path. */
export function startsPath(tokens: TokenReader): boolean {
  const { type, text } = tokens.peek();
  return type === 'key' || (type === 'word' && !reservedWords.includes(text.toUpperCase()));
}

/** Reads keys with dots between them. A leading `devices.` or `devices.modules.` is dropped, because it only repeats the `FROM`. */
export function parsePath(tokens: TokenReader): ParsedPath {
  if (!startsPath(tokens)) throw tokens.unexpected('a path such as properties.desired.x');
  const keys = [tokens.take().text];
  while (tokens.takeSymbol('.')) {
    const { type } = tokens.peek();
    if (type !== 'word' && type !== 'key') throw tokens.unexpected("a key after the '.'");
    keys.push(tokens.take().text);
  }
  const pathKeys = withoutSource(keys);
  const [first = '', ...rest] = pathKeys;
  return { path: [rootKeys.get(first.toLowerCase()) ?? first, ...rest], lastKey: pathKeys.at(-1) ?? '' };
}

function withoutSource(keys: readonly string[]): readonly string[] {
  if (keys.length < 2 || keys[0]?.toLowerCase() !== 'devices') return keys;
  return keys.length > 2 && keys[1]?.toLowerCase() === 'modules' ? keys.slice(2) : keys.slice(1);
}
