import { parseTargetCondition, pathsIn, predicateOf } from '../query/index.ts';
import type { JsonObject, Twin } from '../twin/index.ts';

/** The names, in hub queries, of the top-level twin fields that a read of the twin returns. */
const knownFields = ['deviceId', 'moduleId', 'tags', 'properties', 'capabilities', 'etag', 'version'];

/**
 * Returns a check whether a configuration's target condition matches a twin. A condition that cannot be parsed, or that uses unknown
 * fields, matches all twins. Holding back a repair that is allowed does less harm than competing with a configuration.
 */
export function targetPredicate(targetCondition: string): (twin: Twin) => boolean {
  const condition = conditionOf(targetCondition);
  if (condition === 'all') return () => true;
  if (condition === 'none') return () => false;
  if (!pathsIn(condition).every(([first = '']) => knownFields.includes(first))) return () => true;
  const predicate = predicateOf(condition);
  return (twin) => predicate(toDocument(twin));
}

/**
 * Whether a target condition can match twins of a module. False when the condition matches no twin at all, or when the parts of the
 * condition about `moduleId` exclude the module.
 *
 * @param moduleId The id of the module. `''` for the device twin.
 */
export function mayTarget(targetCondition: string, moduleId: string): boolean {
  const condition = conditionOf(targetCondition);
  if (condition === 'all' || condition === 'none') return condition === 'all';
  if (moduleId === '') return true;
  const operands = condition.type === 'and' ? condition.operands : [condition];
  return operands.every((operand) => {
    const usesModuleIdOnly = pathsIn(operand).every((path) => path.length === 1 && path[0] === 'moduleId');
    return !usesModuleIdOnly || predicateOf(operand)({ moduleId });
  });
}

function conditionOf(targetCondition: string) {
  try {
    return parseTargetCondition(targetCondition).condition;
  } catch {
    return 'all';
  }
}

/** Converts a twin to the JSON document that a hub query is evaluated on. */
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
