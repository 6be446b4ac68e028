import type { ExportedTwin } from '../../hub/index.ts';
import { type Policy, shareTimeLimit } from '../../policy/index.ts';
import { isOutOfLine } from '../../reconcile/index.ts';
import type { JsonObject, Twin } from '../../twin/index.ts';

/**
 * What an exported twin says about a policy. `unclear`: the policy reads something that the export does not have, so only a read of the twin can
 * tell.
 */
export type Verdict = 'inLine' | 'outOfLine' | 'unclear';

/** Returns what each twin says about the policy, in the same order. `at`: the present time, ISO 8601. */
export type ExportJudge = (twins: readonly ExportedTwin[], at: string) => readonly Verdict[];

/** Number of twins whose custom code shares one time limit. */
const twinsPerLimit = 50;

/** The time at which all desired properties count as written. An export does not say when they were, and a read of the twin will. */
const longAgo = '2000-01-01T00:00:00Z';

/**
 * Returns a function that tests exported twins against a policy. It guesses nothing that an export lacks. Each grace period counts as over. A twin
 * for which `evaluate` asks for metadata, a version or an ETag is unclear.
 */
export function createExportJudge(policy: Policy): ExportJudge {
  let hasAsked = false;
  const ask = (): never => {
    hasAsked = true;
    throw new Error('An exported twin has no metadata, no versions and no ETag.');
  };
  const { evaluate } = policy;
  const judged: Policy =
    evaluate === undefined
      ? policy
      : { ...policy, evaluate: (twin, context) => evaluate(asExported(twin, ask), context) };
  const judge = (exported: ExportedTwin, at: string): Verdict => {
    const twin = toTwin(exported, policy);
    if (twin === undefined) return 'unclear';
    if (!mayBeInScope(policy, exported)) return 'inLine';
    hasAsked = false;
    const isBroken = isOutOfLine(judged, twin, at);
    if (hasAsked) return 'unclear';
    return isBroken ? 'outOfLine' : 'inLine';
  };
  return (twins, at) => {
    const verdicts: Verdict[] = [];
    for (let from = 0; from < twins.length; from += twinsPerLimit) {
      const some = twins.slice(from, from + twinsPerLimit);
      const judgeAll = () => some.map((twin) => judge(twin, at));
      verdicts.push(...(shareTimeLimit(judgeAll)?.result ?? judgeAll()));
    }
    return verdicts;
  };
}

/** The twin of an exported line. `undefined` where the line lacks a part that the policy reads. */
function toTwin({ deviceId, moduleId, tags, desired, reported, edge }: ExportedTwin, policy: Policy): Twin | undefined {
  const runsCode = policy.evaluate !== undefined;
  if (desired === undefined) return undefined;
  if ((runsCode || policy.reported !== undefined) && reported === undefined) return undefined;
  if (runsCode && (tags === undefined || edge === undefined)) return undefined;
  return {
    deviceId,
    moduleId,
    etag: '',
    version: 0,
    tags: tags ?? {},
    desired: { properties: desired, metadata: { $lastUpdated: longAgo }, version: 0 },
    reported: { properties: reported ?? {}, metadata: {}, version: 0 },
    edge: edge ?? false,
  };
}

/**
 * Whether the device may be in the scope of the policy. The line of a module does not have the tags of its device, so it shows only the id. Also
 * true where the function of a scope throws: the reconciler then records that error.
 */
function mayBeInScope({ module, scope }: Policy, { deviceId, tags, edge }: ExportedTwin): boolean {
  if (!scope.mayMatchId(deviceId)) return false;
  if (module !== '' || tags === undefined || edge === undefined) return true;
  try {
    return scope.matches({ deviceId, tags, edge });
  } catch {
    return true;
  }
}

/** The twin as `evaluate` sees it. Calls `ask` when the function reads a field that an export does not have. */
function asExported({ desired, reported, ...twin }: Twin, ask: () => never): Twin {
  const section = ({ properties }: { readonly properties: JsonObject }) =>
    Object.freeze({
      properties,
      get metadata() {
        return ask();
      },
      get version() {
        return ask();
      },
    });
  return Object.freeze({
    ...twin,
    get etag() {
      return ask();
    },
    get version() {
      return ask();
    },
    desired: section(desired),
    reported: section(reported),
  });
}
