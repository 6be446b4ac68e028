import type { Policy } from '../../policy/index.ts';
import { maxQueryLength, writeLiteral, writePath } from '../../query/index.ts';
import { isJsonObject, type JsonObject } from '../../twin/index.ts';
import { byteLength } from './clause.ts';

/** A policy's scope as a query condition. */
export interface ScopeCondition {
  /** Text of the condition. `''` means no condition: all devices match. */
  readonly condition: string;
  /**
   * True where the condition matches only devices in the scope. False where the condition also matches other devices. In both cases, the
   * condition matches all devices in the scope.
   */
  readonly exact: boolean;
}

/** Maximum length of the scope's condition, in bytes. The rest of the query is for the rules. */
const maxScopeLength = maxQueryLength / 2;

/** Writes a policy's scope as a condition for twins of devices (`FROM devices`). */
export function compileScope({ scope }: Policy): ScopeCondition {
  if (scope.definition === undefined) return { condition: '', exact: false };
  const { edge, tags = {} } = scope.definition;
  const capability = 'capabilities.iotEdge';
  const isNoEdge = `(NOT IS_DEFINED(${capability}) OR ${capability} != true)`;
  return conjunction([
    ...(scope.idPieces === undefined ? [] : idTerms(scope.idPieces)),
    ...(edge === undefined ? [] : [{ text: edge ? `${capability} = true` : isNoEdge }]),
    ...tagTerms(['tags'], tags),
  ]);
}

/**
 * Writes a policy's scope as a condition for twins of modules (`FROM devices.modules`). The twin of a module contains the device id, but
 * not the tags or capabilities of its device. So the condition tests the device id only.
 */
export function compileModuleScope({ scope }: Policy): ScopeCondition {
  if (scope.idPieces === undefined) return { condition: '', exact: scope.usesIdOnly };
  const { condition, exact } = conjunction(idTerms(scope.idPieces));
  return { condition, exact: exact && scope.usesIdOnly };
}

/** One part of a scope's condition. `text` is absent where a query cannot express this part. */
interface Term {
  readonly text?: string;
  /** True where `text` also matches devices outside of the scope. */
  readonly loose?: boolean;
}

function conjunction(terms: readonly Term[]): ScopeCondition {
  const texts: string[] = [];
  let exact = true;
  for (const { text, loose } of terms) {
    const fits = text !== undefined && byteLength([...texts, text].join(' AND ')) <= maxScopeLength;
    if (fits) texts.push(text);
    if (!fits || loose) exact = false;
  }
  return { condition: texts.join(' AND '), exact };
}

/**
 * Returns the terms for a device id pattern. A query cannot test the order of the pattern's inner pieces, or whether two pieces overlap. In
 * these cases the terms are `loose`.
 */
function idTerms(pieces: readonly string[]): readonly Term[] {
  const [first = '', ...inner] = pieces;
  const last = inner.pop();
  if (last === undefined) return [{ text: `deviceId = ${writeLiteral(first)}` }];
  const test = (name: string, piece: string): Term[] =>
    piece === '' ? [] : [{ text: `${name}(deviceId, ${writeLiteral(piece)})` }];
  const terms = [
    ...test('STARTSWITH', first),
    ...[...new Set(inner)].flatMap((piece) => test('CONTAINS', piece)),
    ...test('ENDSWITH', last),
  ];
  const isExact = inner.length === 0 ? !canOverlap(first, last) : inner.length === 1 && terms.length === 1;
  return isExact ? terms : terms.map((term) => ({ ...term, loose: true }));
}

/** Whether an id can start with `first` and end with `last`, and still be shorter than `first` and `last` together. */
function canOverlap(first: string, last: string): boolean {
  const shorter = Math.min(first.length, last.length);
  return Array.from({ length: shorter }, (_, index) => index + 1).some((length) =>
    first.endsWith(last.slice(0, length)),
  );
}

/** Returns one term for each value in the wanted tags. If a value is not primitive, the query can only test that the tag exists. */
function tagTerms(path: readonly string[], wanted: JsonObject): readonly Term[] {
  return Object.entries(wanted).flatMap(([key, value]): readonly Term[] => {
    const tagPath = [...path, key];
    if (isJsonObject(value) && Object.keys(value).length > 0) return tagTerms(tagPath, value);
    const written = writePath(tagPath);
    if (written === undefined) return [{}];
    if (isJsonObject(value)) return [{ text: `IS_OBJECT(${written})` }];
    const literal = writeLiteral(value);
    return [
      literal === undefined ? { text: `IS_DEFINED(${written})`, loose: true } : { text: `${written} = ${literal}` },
    ];
  });
}
