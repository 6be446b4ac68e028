import { parseTargetCondition, pathsIn, predicateOf } from '../query/index.ts';
import type { JsonObject, Twin } from '../twin/index.ts';

/** What is known of a twin, as a query sees it. */
const knownParts = ['deviceId', 'moduleId', 'tags', 'properties', 'capabilities', 'etag', 'version'];

/**
 * Tells which twins the target condition of an automatic configuration is about. One that cannot be read, or asks for what a read of
 * the twin does not show, is taken to be about all of them: leaving too much alone does less harm than writing against a configuration.
 */
export function targetPredicate(targetCondition: string): (twin: Twin) => boolean {
  const condition = conditionOf(targetCondition);
  if (condition === 'all') return () => true;
  if (condition === 'none') return () => false;
  if (!pathsIn(condition).every(([first = '']) => knownParts.includes(first))) return () => true;
  const predicate = predicateOf(condition);
  return (twin) => predicate(toDocument(twin));
}

/** False when a target condition is about no twin at all, or, by its id alone, not about this module; `''` is a device's own twin. */
export function mayTarget(targetCondition: string, moduleId: string): boolean {
  const condition = conditionOf(targetCondition);
  if (condition === 'all' || condition === 'none') return condition === 'all';
  if (moduleId === '') return true;
  const needed = condition.type === 'and' ? condition.operands : [condition];
  return needed.every((part) => {
    const looksAtIdAlone = pathsIn(part).every((path) => path.length === 1 && path[0] === 'moduleId');
    return !looksAtIdAlone || predicateOf(part)({ moduleId });
  });
}

function conditionOf(targetCondition: string) {
  try {
    return parseTargetCondition(targetCondition).condition;
  } catch {
    return 'all';
  }
}

function toDocument({ deviceId, moduleId, etag, version, tags, desired, reported, edge }: Twin): JsonObject {
  return {
    deviceId,
    ...(moduleId === '' ? { capabilities: { iotEdge: edge } } : { moduleId }),
    etag,
    version,
    tags,
    properties: {
      desired: { ...desired.properties, $metadata: desired.metadata, $version: desired.version },
      reported: { ...reported.properties, $metadata: reported.metadata, $version: reported.version },
    },
  };
}
