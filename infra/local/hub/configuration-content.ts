/** Reads what a configuration writes into twins. Pure functions. */

import { parseTargetCondition, QuerySyntaxError, type TargetCondition } from '../../../shared/query/index.ts';
import { parsePath } from '../../../shared/twin/index.ts';
import { invalid } from './errors.ts';
import { isObject, type JsonObject, type JsonValue, own, setOwn } from './json.ts';

/**
 * The part of a configuration for one kind of twin. With `replacement`, the twin gets exactly these desired properties. Without it, `patch`
 * is merged into the desired properties.
 */
export interface ConfigurationWrite {
  readonly replacement?: JsonObject;
  readonly patch: JsonObject;
}

/**
 * The twins that a configuration targets, and its write for each of them. An IoT Edge deployment targets devices, and writes to modules of
 * these devices.
 */
export interface ConfigurationTarget extends TargetCondition {
  readonly edgeOnly: boolean;
  /** The write for the targeted twin itself. */
  readonly write?: ConfigurationWrite;
  /** The writes for modules of the targeted device, by module id. */
  readonly modules?: Readonly<Record<string, ConfigurationWrite>>;
}

/** Reads the content and the target condition of a configuration. Throws 400 if the condition has another form than IoT Hub's. */
export function readConfigurationTarget(targetCondition: string, content: JsonValue): ConfigurationTarget {
  const target = readCondition(targetCondition);
  const { deviceContent, moduleContent, modulesContent } = isObject(content) ? content : {};
  if (isObject(modulesContent)) {
    const modules = Object.entries(modulesContent).map(([id, settings]) => [id, readWrite(settings)] as const);
    return { ...target, edgeOnly: true, modules: Object.fromEntries(modules) };
  }
  const settings = target.source === 'devices' ? deviceContent : moduleContent;
  return { ...target, edgeOnly: false, write: readWrite(settings) };
}

function readCondition(text: string): TargetCondition {
  try {
    return parseTargetCondition(text);
  } catch (error) {
    if (error instanceof QuerySyntaxError) throw invalid(`targetCondition: ${error.message}`);
    throw error;
  }
}

/** Reads settings such as `{ "properties.desired.a.b": 1 }`. The key `properties.desired` alone stands for the whole section. */
function readWrite(settings: JsonValue | undefined): ConfigurationWrite {
  const patch: Record<string, JsonValue> = {};
  let replacement: JsonObject | undefined;
  for (const [key, value] of Object.entries(isObject(settings) ? settings : {})) {
    const [first, second, ...path] = parsePath(key);
    if (first !== 'properties' || second !== 'desired') continue;
    if (path.length > 0) setAtPath(patch, path, value);
    else if (isObject(value)) replacement = value;
  }
  return { ...(replacement === undefined ? {} : { replacement }), patch };
}

function setAtPath(target: Record<string, JsonValue>, [key = '', ...rest]: readonly string[], value: JsonValue): void {
  if (rest.length === 0) {
    setOwn(target, key, value);
    return;
  }
  const current = own(target, key);
  const inner: Record<string, JsonValue> = isObject(current) ? { ...current } : {};
  setAtPath(inner, rest, value);
  setOwn(target, key, inner);
}
