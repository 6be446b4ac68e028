import type { Policy } from '../../policy/index.ts';
import { isOutOfLine } from '../../reconcile/index.ts';
import type { Twin } from '../../twin/index.ts';
import type { Progress } from '../progress.ts';
import { writeMissed } from '../store/index.ts';
import type { SweepDependencies } from '../sweep-dependencies.ts';
import { deviceIdsOf } from '../twin-results.ts';
import { brokenModulesQueries } from '../where/index.ts';
import { lookOf } from './look-of.ts';
import { readTwins } from './read-twins.ts';
import { valueRows } from './twin-rows.ts';

/** The part of the time between two looks over which one look is spread. */
const spreadShare = 0.75;
/** Maximum number of twins that one look confirms. Each confirmation costs a read, and a few twins show that the queries are wrong. */
const maxConfirmed = 20;
/** Number of devices that the message names. */
const namedDevices = 5;

/**
 * Reads the desired values of all twins of a policy that queries can test, and compares them with what the queries returned. A twin that breaks the policy and that
 * no query returned is queued. Where that is not due to a late query view, the queries are not true, and this function says so loudly.
 */
export async function fullLook(dependencies: SweepDependencies, progress: Progress, policy: Policy): Promise<void> {
  const { clock, log, lookEvery, store } = dependencies;
  if (!Number.isFinite(lookEvery) || brokenModulesQueries(policy).length === 0) return;
  const { reading, isDue } = await readTwins(dependencies, progress, {
    memo: `look at ${policy.name}`,
    policy,
    rows: valueRows(policy, progress.dialect),
    every: lookEvery,
    spread: lookEvery * spreadShare,
    isAll: false,
    // An export has no versions, so it cannot show that a query was late.
    mayExport: false,
    async find(twins) {
      const at = clock.now().toISOString();
      const finding = { moduleId: policy.module, finding: 'suspect' } as const;
      const unfound = twins.filter(
        (twin) => !progress.hasFound(finding, twin.deviceId) && isOutOfLine(policy, twin, at),
      );
      const { reading } = progress.checkpoint;
      const known = reading?.missed ?? [];
      const missed = await missedByQueries(dependencies, progress, policy, unfound, maxConfirmed - known.length);
      if (reading !== undefined && missed.length > 0) {
        progress.checkpoint = { ...progress.checkpoint, reading: { ...reading, missed: [...known, ...missed] } };
      }
      return unfound;
    },
  });
  const { missed = [], endedAt } = reading;
  // What the queries say is not true, so only what was read counts.
  const areQueriesWrong = missed.length > 0 || (endedAt === undefined && reading.lastMissed === true);
  if (areQueriesWrong) progress.replaceLooks(policy, 'values', lookOf(reading));
  if (missed.length === 0) {
    if (isDue && endedAt !== undefined) await writeMissed(store, policy.name, undefined, clock.now());
    return;
  }
  const sentence = describeMissed(policy, missed);
  progress.warn(sentence);
  if (!isDue) return;
  log.error(sentence);
  await writeMissed(store, policy.name, sentence, clock.now());
}

/**
 * Returns the ids of the devices whose twins break the policy, but which no query returns. The queries are sent again, and each twin is read
 * again. A twin that has not changed since the query view showed it is not late: the queries must return it.
 *
 * @param most The maximum number of ids.
 */
async function missedByQueries(
  { clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  twins: readonly Twin[],
  most: number,
): Promise<readonly string[]> {
  if (twins.length === 0 || most <= 0) return [];
  const returned = new Set<string>();
  for (const query of brokenModulesQueries(policy, progress.dialect)) {
    let continuation: string | undefined;
    do {
      const page = await progress.queries.page(query, continuation);
      for (const id of page.items.flatMap(deviceIdsOf)) returned.add(id);
      continuation = page.continuation;
    } while (continuation !== undefined);
  }
  const missed: string[] = [];
  const doubtful = twins.filter(({ deviceId }) => !returned.has(deviceId));
  for (const twin of doubtful.slice(0, most)) {
    const answer = await progress.hub.readTwin(twin.deviceId, policy.module);
    // The normal pass reads a twin again where this read fails.
    if (!answer.ok || answer.value.version !== twin.version) continue;
    if (isOutOfLine(policy, answer.value, clock.now().toISOString())) missed.push(twin.deviceId);
  }
  return missed;
}

function describeMissed({ name }: Policy, missed: readonly string[]): string {
  const some = missed.length >= maxConfirmed ? `${maxConfirmed} or more` : String(missed.length);
  const named = missed.slice(0, namedDevices).join(', ');
  return `The hub's queries for the policy ${name} did not return ${some} twins that break it, such as ${named}. A full look found and queued them.`;
}
