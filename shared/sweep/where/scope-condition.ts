import type { Policy } from '../../policy/index.ts';
import { maxQueryLength, writeLiteral, writePath } from '../../query/index.ts';
import { isJsonObject, type JsonObject } from '../../twin/index.ts';
import { byteLength } from './clause.ts';

/** A policy's scope as a condition. */
export interface ScopeCondition {
  /** `''`: no condition, all devices match. */
  readonly condition: string;
  /** False where the condition also matches devices outside of the scope. It always matches all devices in the scope. */
  readonly exact: boolean;
}

/** The most bytes of a query for its scope. The rest is for the rules. */
const maxScopeLength = maxQueryLength / 2;

/** A policy's scope as a condition for twins of devices (`FROM devices`). */
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
 * A policy's scope as a condition for twins of modules (`FROM devices.modules`). These show the device id, but neither the device's tags
 * nor its capabilities.
 */
export function compileModuleScope({ scope }: Policy): ScopeCondition {
  if (scope.idPieces === undefined) return { condition: '', exact: scope.usesIdOnly };
  const { condition, exact } = conjunction(idTerms(scope.idPieces));
  return { condition, exact: exact && scope.usesIdOnly };
}

/** A term of a scope's condition. Without `text`, a query cannot express the term. */
interface Term {
  readonly text?: string;
  /** True where the text also matches devices outside of the scope. */
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
 * Terms for a device id pattern. A query cannot test that the inner pieces are in their order and do not overlap: the terms are loose then.
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

/** Whether an id can start with `first` and end with `last`, and be shorter than both together. */
function canOverlap(first: string, last: string): boolean {
  const shorter = Math.min(first.length, last.length);
  return Array.from({ length: shorter }, (_, index) => index + 1).some((length) =>
    first.endsWith(last.slice(0, length)),
  );
}

/** Terms for tags, one per leaf. For a value that is not primitive, a query can only test that the tag exists. */
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
