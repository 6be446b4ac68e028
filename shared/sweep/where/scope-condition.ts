import type { Policy } from '../../policy/index.ts';
import { maxQueryLength, writeLiteral, writePath } from '../../query/index.ts';
import { isJsonObject, type JsonObject } from '../../twin/index.ts';
import { lengthOf } from './clause.ts';

/** A scope as a condition. */
export interface ScopeCondition {
  /** `''` selects everything. */
  readonly condition: string;
  /** False where the condition also selects what is outside of the scope. It never leaves out what is inside. */
  readonly exact: boolean;
}

/** So much of a query may say which devices; the rest is for what is wrong with them. */
const longestScope = maxQueryLength / 2;

/** A policy's devices, as a condition for their twins (`FROM devices`). */
export function compileScope({ scope }: Policy): ScopeCondition {
  if (scope.definition === undefined) return { condition: '', exact: false };
  const { edge, tags = {} } = scope.definition;
  const capability = 'capabilities.iotEdge';
  const isOther = `(NOT IS_DEFINED(${capability}) OR ${capability} != true)`;
  return conjunction([
    ...(scope.idPieces === undefined ? [] : idParts(scope.idPieces)),
    ...(edge === undefined ? [] : [{ text: edge ? `${capability} = true` : isOther }]),
    ...tagParts(['tags'], tags),
  ]);
}

/** What can be said of a policy's devices to their modules' twins (`FROM devices.modules`), which show nothing of the device but its id. */
export function compileModuleScope({ scope }: Policy): ScopeCondition {
  if (scope.idPieces === undefined) return { condition: '', exact: scope.usesIdOnly };
  const { condition, exact } = conjunction(idParts(scope.idPieces));
  return { condition, exact: exact && scope.usesIdOnly };
}

/** Something that must be true of a device in the scope; without a text it cannot be said. */
interface Part {
  readonly text?: string;
  /** There are devices outside of the scope of which it is true as well, and all other parts of the scope. */
  readonly loose?: boolean;
}

function conjunction(parts: readonly Part[]): ScopeCondition {
  const texts: string[] = [];
  let exact = true;
  for (const { text, loose } of parts) {
    const fits = text !== undefined && lengthOf([...texts, text].join(' AND ')) <= longestScope;
    if (fits) texts.push(text);
    if (!fits || loose) exact = false;
  }
  return { condition: texts.join(' AND '), exact };
}

/** The pattern for the id. What stands between its ends must be there in this order and without overlap, which cannot be said. */
function idParts(pieces: readonly string[]): readonly Part[] {
  const [first = '', ...inner] = pieces;
  const last = inner.pop();
  if (last === undefined) return [{ text: `deviceId = ${writeLiteral(first)}` }];
  const test = (name: string, piece: string): Part[] =>
    piece === '' ? [] : [{ text: `${name}(deviceId, ${writeLiteral(piece)})` }];
  const parts = [
    ...test('STARTSWITH', first),
    ...[...new Set(inner)].flatMap((piece) => test('CONTAINS', piece)),
    ...test('ENDSWITH', last),
  ];
  const isApart = inner.length === 0 ? !canOverlap(first, last) : inner.length === 1 && parts.length === 1;
  return isApart ? parts : parts.map((part) => ({ ...part, loose: true }));
}

/** Whether an id can begin and end with these and yet be too short to hold both. */
function canOverlap(first: string, last: string): boolean {
  const shorter = Math.min(first.length, last.length);
  return Array.from({ length: shorter }, (_, index) => index + 1).some((length) =>
    first.endsWith(last.slice(0, length)),
  );
}

/** Tags, leaf by leaf. Where something else than a primitive value is wanted, only that something is there can be asked for. */
function tagParts(path: readonly string[], wanted: JsonObject): readonly Part[] {
  return Object.entries(wanted).flatMap(([key, value]): readonly Part[] => {
    const at = [...path, key];
    if (isJsonObject(value) && Object.keys(value).length > 0) return tagParts(at, value);
    const written = writePath(at);
    if (written === undefined) return [{}];
    if (isJsonObject(value)) return [{ text: `IS_OBJECT(${written})` }];
    const literal = writeLiteral(value);
    return [
      literal === undefined ? { text: `IS_DEFINED(${written})`, loose: true } : { text: `${written} = ${literal}` },
    ];
  });
}
