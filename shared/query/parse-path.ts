import type { Path } from '../twin/index.ts';
import { reservedWords, type TokenReader } from './token-reader.ts';

/**
 * The keys at the root of a twin's JSON document. IoT Hub ignores the case of these keys: its documentation uses
 * `SELECT DeviceID, LastActivityTime`.
 */
const rootKeys = new Map(
  [
    ...['deviceId', 'moduleId', 'etag', 'deviceEtag', 'version', 'modelId', 'tags', 'properties', 'capabilities'],
    ...['status', 'statusReason', 'statusUpdateTime', 'connectionState', 'lastActivityTime'],
    ...['cloudToDeviceMessageCount', 'authenticationType', 'x509Thumbprint'],
  ].map((key) => [key.toLowerCase(), key]),
);

/** A path from the root of a twin's JSON document, as the parser read it. */
export interface ParsedPath {
  readonly path: Path;
  /** The last key of the path, in the same upper and lower case as in the query. */
  readonly lastKey: string;
}

/** True when the next token of the query can be the first key of a path. */
export function startsPath(tokens: TokenReader): boolean {
  const { type, text } = tokens.peek();
  return type === 'key' || (type === 'word' && !reservedWords.includes(text.toUpperCase()));
}

/**
 * Reads the keys of a path, with dots between them. `devices.` or `devices.modules.` at the beginning is removed, because it only repeats
 * the `FROM` of the query.
 */
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
