import { isJsonObject, type JsonObject } from '../twin/index.ts';
import type { Configuration } from './hub.ts';

/** Converts a configuration as the hub lists it. Missing parts become empty. */
export function toConfiguration({ id, targetCondition, priority, content }: JsonObject): Configuration {
  const { deviceContent, moduleContent, modulesContent } = isJsonObject(content) ? content : {};
  return {
    id: String(id),
    targetCondition: typeof targetCondition === 'string' ? targetCondition : '',
    priority: typeof priority === 'number' ? priority : 0,
    deviceContent: isJsonObject(deviceContent) ? deviceContent : {},
    moduleContent: isJsonObject(moduleContent) ? moduleContent : {},
    ...(isJsonObject(modulesContent) ? { modulesContent: contentByModule(modulesContent) } : {}),
  };
}

function contentByModule(modulesContent: JsonObject): Readonly<Record<string, JsonObject>> {
  return Object.fromEntries(
    Object.entries(modulesContent).flatMap(([moduleId, content]) =>
      isJsonObject(content) ? [[moduleId, content] as const] : [],
    ),
  );
}
