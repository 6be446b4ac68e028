import { isDeviceId, isJsonObject, type Json, type JsonObject, limitFaults, twinLimits } from '../twin/index.ts';
import { implies } from './disjoint-scopes.ts';
import { globPieces } from './glob.ts';
import { excludedParts, type Scope, type ScopeParts } from './scope.ts';

/** One reason why a scope matches no device. `path` is dotted and starts in the scope. */
export interface ScopeFault {
  readonly path: string;
  readonly message: string;
}

/** Maximum number of characters of a device id. */
const longestId = 128;

/**
 * Lists the reasons why a scope, or its field `not`, can match no device. Each message says how to write what the author may have meant.
 * The fields of the scope must have the right types.
 */
export function scopeFaults(scope: Scope): readonly ScopeFault[] {
  const faults = [...partsFaults(scope, '')];
  for (const [index, parts] of excludedParts(scope).entries()) {
    const path = Array.isArray(scope.not) ? `not.${index}` : 'not';
    faults.push(...partsFaults(parts, `${path}.`));
    if (implies(scope, parts)) {
      faults.push({ path, message: 'leaves out every device of the scope, so the policy would apply to no device.' });
    }
  }
  return faults;
}

function partsFaults({ tags, deviceId }: ScopeParts, prefix: string): readonly ScopeFault[] {
  const faults: ScopeFault[] = [];
  for (const [index, pattern] of [deviceId ?? []].flat().entries()) {
    const message = patternFault(pattern);
    const path = `${prefix}deviceId${typeof deviceId === 'string' ? '' : `.${index}`}`;
    if (message !== undefined) faults.push({ path, message });
  }
  for (const { path, message } of tagFaults(tags ?? {}, '')) {
    faults.push({ path: `${prefix}tags${path === '' ? '' : '.'}${path}`, message });
  }
  return faults;
}

function patternFault(pattern: string): string | undefined {
  const text = globPieces(pattern).join('');
  if (text === '' || isDeviceId(text)) return undefined;
  return text.length > longestId
    ? `matches no device: the pattern has ${text.length} characters, and a device id has at most ${longestId}.`
    : `matches no device: ${JSON.stringify(pattern)} has a character that no device id can have.`;
}

/** Finds the tags that no twin can have. */
function tagFaults(tags: JsonObject, parent: string): readonly ScopeFault[] {
  if (parent.split('.').length > twinLimits.depth && Object.keys(tags).length > 0) {
    return [
      {
        path: parent,
        message: `matches no device: the tags are nested too deeply. A twin can have at most ${twinLimits.depth} levels.`,
      },
    ];
  }
  return Object.entries(tags).flatMap(([key, value]): readonly ScopeFault[] => {
    const path = parent === '' ? key : `${parent}.${key}`;
    if (key.startsWith('$')) return [{ path, message: operatorHint(key, parent) }];
    if (key.includes('.'))
      return [{ path, message: `matches no device: no tag has a dot in its key. ${nestedHint(key)}` }];
    if (Array.isArray(value) && value.length === 0) {
      return [
        { path, message: 'matches no device: the list is empty. Name the values of which a device must have one.' },
      ];
    }
    return (Array.isArray(value) ? value : [value]).flatMap((option) => valueFaults(key, option as Json, path));
  });
}

function valueFaults(key: string, value: Json, path: string): readonly ScopeFault[] {
  if (value === null) {
    const example = JSON.stringify({ not: { tags: { [key]: true } } });
    return [
      {
        path,
        message:
          `matches no device: no tag is null. To leave out devices by this tag, name its values in "not", such as ${example}. ` +
          'To ask whether a tag exists, write appliesTo as a function.',
      },
    ];
  }
  if (isJsonObject(value)) return tagFaults(value, path);
  return limitFaults({ [key]: value }).map(({ message }) => ({ path, message: `matches no device: ${message}` }));
}

/** Says how to write a condition for which the author used an operator of another language. */
function operatorHint(operator: string, tag: string): string {
  const name = tag.split('.').at(-1) || 'environment';
  const unknown = `matches no device: ${operator} is not an operator of a scope.`;
  if (/^\$(ne|not|nin|none)/i.test(operator)) {
    return `${unknown} To leave out devices, use "not": ${JSON.stringify({ not: { tags: { [name]: ['a', 'b'] } } })}.`;
  }
  return `${unknown} For one of several values, write a list: ${JSON.stringify({ [name]: ['a', 'b'] })}. For other conditions, write appliesTo as a function.`;
}

function nestedHint(key: string): string {
  const nested = key.split('.').reduceRight<Json>((inner, part) => ({ [part]: inner }), '…');
  return `Write an object in an object: ${JSON.stringify(nested)}.`;
}
