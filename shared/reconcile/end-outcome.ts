import type { DriftRow } from '../drift/index.ts';
import {
  getAt,
  isJsonObject,
  type Json,
  type JsonObject,
  jsonEquals,
  mergePatch,
  type Path,
  parsePath,
  type Twin,
  writeAt,
} from '../twin/index.ts';

/** Maximum milliseconds by which the hub's clock and the app's clock may differ. */
export const clockSkew = 5_000;

/**
 * The outcome of an open row when the twin no longer shows the drift. An earlier pass may have repaired the drift and crashed before the
 * outcome was stored. The metadata of the twin shows such a repair: the version of the last write is the version that the pass had read,
 * plus one.
 */
export function endOutcome(row: DriftRow, twin: Twin): 'enforced' | 'created' | 'healed' | 'gone' {
  if (row.kind === 'missingModule') return mayHaveCreated(row) && wasCreatedByUs(row, twin) ? 'created' : 'healed';
  // The version of a twin only grows. A lower version shows that the module was deleted and created again.
  if (twin.desired.version < row.write.version) return 'gone';
  const path = parsePath(row.path);
  // A pass stores a row as `pending` before it sends a repair. So no repair was sent for a row that a guard holds back.
  const mayBeRepaired = row.outcome !== 'heldBack' && row.desiredVersion !== undefined;
  const isRepaired =
    row.kind === 'missingBaseline'
      ? holdsBaseline(twin.desired.properties, row.expected)
      : jsonEquals(getAt(twin.desired.properties, path), row.expected);
  // A repair of a baseline sets all its properties. Later writes may have set some of them again.
  const paths = row.kind === 'missingBaseline' ? leafPaths(row.expected) : [path];
  const isOurs = paths.some((each) => writeAt(twin.desired, each)?.version === (row.desiredVersion ?? 0) + 1);
  return isRepaired && mayBeRepaired && isOurs ? 'enforced' : 'healed';
}

/** The beginning of the reason of a row whose module is left alone for some time after its deletion. */
export const settlingPrefix = 'settling: ';

/** Whether Twinkeeper may have tried to create the module of a row. A pass stores a row as `pending` before it creates the module. */
function mayHaveCreated({ outcome, error }: DriftRow): boolean {
  return outcome !== 'heldBack' && !(outcome === 'deferred' && error?.startsWith(settlingPrefix));
}

/**
 * Whether Twinkeeper created the missing module. True when the policy enforces, the module holds the baseline, its desired version is at
 * most 2, and its last write is not earlier than the detection of the missing module.
 *
 * @param skew Milliseconds by which the last write may be earlier than the detection.
 */
export function wasCreatedByUs(
  { expected, detectedAt, mode }: DriftRow,
  { desired }: Twin,
  skew: number = clockSkew,
): boolean {
  const hasBaseline = holdsBaseline(desired.properties, expected);
  const writtenAt = Date.parse(writeAt(desired, [])?.at ?? '');
  const isAfterDetection = writtenAt >= Date.parse(detectedAt) - skew;
  return mode === 'enforce' && hasBaseline && isAfterDetection && desired.version <= 2;
}

/** Whether desired properties hold every value of a baseline. */
function holdsBaseline(properties: JsonObject, baseline: Json | undefined): boolean {
  return isJsonObject(baseline) && jsonEquals(mergePatch(properties, baseline), properties);
}

/** The paths of all values in a baseline. */
function leafPaths(value: Json | undefined, path: Path = []): readonly Path[] {
  if (!isJsonObject(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) => leafPaths(inner, [...path, key]));
}
