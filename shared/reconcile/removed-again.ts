import type { DriftRow } from '../drift/index.ts';
import { getAt, isJsonObject, type Json, jsonEquals, type Path, parsePath, type Twin } from '../twin/index.ts';

/**
 * Whether Twinkeeper repaired a missing property and somebody then removed the property again. The pass that repaired it was killed before
 * it stored the outcome. A removed property has no metadata, so the metadata of other values must show both writes:
 *
 * - The removal: the last write to the object around the property is later than the repair, and no property of the object has this write.
 * - The repair: it is the write with the version after the one that the pass had read. Each property that still has this version must be a
 *   property that the same pass repaired.
 *
 * @param row The unfinished row of the missing property.
 * @param rows All rows of the device.
 */
export function wasRemovedAgain(row: DriftRow, rows: readonly DriftRow[], { desired }: Twin): boolean {
  const { desiredVersion, outcome } = row;
  if (desiredVersion === undefined || (outcome !== 'pending' && outcome !== 'deferred')) return false;
  const repairVersion = desiredVersion + 1;
  const around = objectAround(desired.metadata, parsePath(row.path));
  const lastWrite = around.$lastUpdatedVersion;
  if (typeof lastWrite !== 'number' || lastWrite <= repairVersion) return false;
  if (propertiesOf(around, lastWrite).length > 0) return false;
  const isOfRepair = (path: Path) =>
    rows.some(
      (other) =>
        other.moduleId === row.moduleId &&
        other.desiredVersion === desiredVersion &&
        other.path === path.join('.') &&
        jsonEquals(getAt(desired.properties, path), other.expected),
    );
  return propertiesOf(desired.metadata, repairVersion).every(isOfRepair);
}

/** The metadata of the innermost object on the path. */
function objectAround(metadata: { readonly [key: string]: Json }, path: Path): { readonly [key: string]: Json } {
  let level = metadata;
  for (const key of path.slice(0, -1)) {
    const next = Object.hasOwn(level, key) ? level[key] : undefined;
    if (!isJsonObject(next)) break;
    level = next;
  }
  return level;
}

/** The paths of the properties that the write with this version set last. Objects that contain other properties are left out. */
function propertiesOf(metadata: { readonly [key: string]: Json }, version: number, path: Path = []): readonly Path[] {
  const inner = Object.entries(metadata).filter(([key]) => !key.startsWith('$'));
  if (inner.length === 0) return path.length > 0 && metadata.$lastUpdatedVersion === version ? [path] : [];
  return inner.flatMap(([key, value]) => (isJsonObject(value) ? propertiesOf(value, version, [...path, key]) : []));
}
