/** Writes the queries that find devices by a part of the id and by a tag. Pure. */
import { writeLiteral, writePath } from '../../shared/query/index.ts';

/** What devices are searched for. A device must match both, where both are given. */
export interface DeviceSearch {
  /** A part of the device id, in the same upper and lower case. */
  readonly part: string | undefined;
  /** A tag as `name:value`, or `name` for any value. Dots in the name separate the keys of nested tags. */
  readonly tag: string | undefined;
}

/**
 * Writes the query for the ids of the devices. Without `asksForPart`, the query does not test the part of the id: the functions for parts of
 * texts are not documented for twins, and a hub may refuse them. Returns undefined when the name of the tag cannot stand in a query.
 */
export function deviceQuery({ part, tag }: DeviceSearch, asksForPart: boolean): string | undefined {
  const tagCondition = tag === undefined ? '' : conditionOfTag(tag);
  if (tagCondition === undefined) return undefined;
  const partCondition = part === undefined || !asksForPart ? '' : `CONTAINS(deviceId, ${writeLiteral(part)})`;
  const where = [partCondition, tagCondition].filter((condition) => condition !== '').join(' AND ');
  return `SELECT deviceId FROM devices${where === '' ? '' : ` WHERE ${where}`}`;
}

/** The condition for a tag. A value such as `3` or `true` is searched as text, and also as a number or a boolean. */
function conditionOfTag(tag: string): string | undefined {
  const colon = tag.indexOf(':');
  const name = colon < 0 ? tag : tag.slice(0, colon);
  const path = writePath(['tags', ...name.split('.')]);
  if (path === undefined) return undefined;
  if (colon < 0) return `IS_DEFINED(${path})`;
  const text = tag.slice(colon + 1);
  const values = [
    text,
    ...(isNumber(text) ? [Number(text)] : []),
    ...(/^(true|false)$/.test(text) ? [text === 'true'] : []),
  ];
  const tests = values.map((value) => `${path} = ${writeLiteral(value)}`);
  return tests.length === 1 ? tests.join() : `(${tests.join(' OR ')})`;
}

function isNumber(text: string): boolean {
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text);
}
