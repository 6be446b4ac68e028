import type { DriftRow } from '../drift/index.ts';
import { getAt, isJsonObject, jsonEquals, mergePatch, parsePath, type Twin, writeAt } from '../twin/index.ts';

/** Maximum milliseconds by which the hub's clock may be behind the app's clock. */
const clockSkew = 5_000;

/**
 * The outcome of a row whose departure the twin no longer shows. Twinkeeper may have mended the departure and crashed before it stored the
 * outcome. The twin's metadata shows such a write: its version directly follows the version that the pass had read.
 */
export function endOutcome(row: DriftRow, twin: Twin): 'enforced' | 'created' | 'healed' | 'gone' {
  if (row.kind === 'missingModule') return wasCreatedByUs(row, twin) ? 'created' : 'healed';
  // Versions only grow. A lower version shows that the module was deleted and created again.
  if (twin.desired.version < row.write.version) return 'gone';
  const path = parsePath(row.path);
  const isMended = jsonEquals(getAt(twin.desired.properties, path), row.expected);
  const writtenVersion = writeAt(twin.desired, path)?.version;
  return isMended && row.desiredVersion !== undefined && writtenVersion === row.desiredVersion + 1
    ? 'enforced'
    : 'healed';
}

/**
 * Whether Twinkeeper created the module. The module then holds the baseline, has a desired version of at most 2, and was written after it
 * was detected as missing.
 */
function wasCreatedByUs({ expected, detectedAt, mode }: DriftRow, { desired }: Twin): boolean {
  const hasBaseline =
    isJsonObject(expected) && jsonEquals(mergePatch(desired.properties, expected), desired.properties);
  const writtenAt = Date.parse(writeAt(desired, [])?.at ?? '');
  const isAfterDetection = writtenAt >= Date.parse(detectedAt) - clockSkew;
  return mode === 'enforce' && hasBaseline && isAfterDetection && desired.version <= 2;
}
