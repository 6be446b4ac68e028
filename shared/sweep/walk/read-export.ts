import { setImmediate as nextTurn } from 'node:timers/promises';
import { type ExportedTwin, readExportLine } from '../../hub/index.ts';
import { describeThrown, type Policy } from '../../policy/index.ts';
import type { JsonObject } from '../../twin/index.ts';
import { withoutContinuation } from '../checkpoint.ts';
import {
  createExportJudge,
  type ExportJudge,
  type ExportPage,
  type ReadyExport,
  readExportPage,
} from '../export/index.ts';
import type { Progress } from '../progress.ts';
import type { SweepDependencies } from '../sweep-dependencies.ts';
import type { ReadPage } from '../sweep-queries.ts';
import { deviceIdsOf } from '../twin-results.ts';
import { countModulesQuery } from '../where/index.ts';
import { readingOf } from './reading-of.ts';

/** Number and part of twins for which only a read can tell. With more of them, queries are cheaper than reads. */
const mostUnclear = 100;
const unclearShare = 0.1;
/** The part of the twins that a query counts, and that an export must have. The count of a query may be some minutes old. */
const completeShare = 0.9;

/** Number of lines after which the process does other work. A page can have ten thousand lines, and custom code can take some milliseconds for each. */
const linesPerTurn = 200;

/** Thrown where the export cannot be used, so that queries must read the twins. */
class ExportUnusable extends Error {
  override readonly name = 'ExportUnusable';
}

/**
 * Reads the twins of a policy from an export job of the hub. `read`: all twins are read. `waiting`: the job has not ended, so a later sweep reads
 * the twins. `undefined`: queries must read them. The reading in the checkpoint says so too, and a warning in the sweep's row says why.
 */
export async function readExport(
  dependencies: SweepDependencies,
  progress: Progress,
  policy: Policy,
): Promise<'read' | 'waiting' | undefined> {
  if (!(await isByExport(dependencies, progress, policy))) return undefined;
  const state = await progress.twinExport.advance();
  if (state.type === 'refused') return readByQueryInstead(progress, policy, state.reason);
  progress.checkpoint = {
    ...progress.checkpoint,
    reading: { ...readingOf(progress), by: 'export', startedAt: state.since },
  };
  if (state.type === 'wait') return 'waiting';
  try {
    await readAll(dependencies, progress, policy, state);
    return 'read';
  } catch (error) {
    if (!(error instanceof ExportUnusable)) throw error;
    return readByQueryInstead(progress, policy, error.message);
  }
}

/** Whether an export reads the twins of the policy. A reading that has begun with queries goes on with queries. */
async function isByExport({ exportAbove }: SweepDependencies, progress: Progress, policy: Policy): Promise<boolean> {
  const { by, read } = readingOf(progress);
  if (by === 'query') return false;
  if (exportAbove === Number.POSITIVE_INFINITY) {
    // The reading may have begun under another setting.
    if (by === 'export') turnToQueries(progress);
    return false;
  }
  if (by === 'export') return true;
  if (read > 0) return false;
  const total = await progress.queries.count(countModulesQuery(policy, progress.dialect));
  if (total === undefined) return true;
  const isLarge = total > exportAbove;
  const reading = { ...readingOf(progress), total, by: isLarge ? 'export' : 'query' } as const;
  progress.checkpoint = { ...progress.checkpoint, reading };
  return isLarge;
}

function readByQueryInstead(progress: Progress, policy: Policy, reason: string): undefined {
  progress.warn(
    `The twins of the policy ${policy.name} are read with queries, and not from an export job of the hub: ${reason}`,
  );
  turnToQueries(progress);
  return undefined;
}

/** Starts the reading again with queries. They cannot go on at a position in an export. */
function turnToQueries(progress: Progress): void {
  progress.checkpoint = {
    ...withoutContinuation(progress.checkpoint),
    reading: { ...readingOf(progress), read: 0, by: 'query' },
  };
}

/** Reads all lines of the export, page by page, and queues the devices whose twins may break the policy. */
async function readAll(
  { clock }: SweepDependencies,
  progress: Progress,
  policy: Policy,
  ready: ReadyExport,
): Promise<void> {
  const judge = createExportJudge(policy);
  const readPage: ReadPage = async (continuation) => {
    progress.queries.checkDeadline();
    const from = byteOf(continuation, ready);
    const { lines, next } = await readLines(ready, from);
    const { devices, twins, unclear } = await judgeLines(lines, policy, judge, clock.now().toISOString());
    const reading = readingOf(progress);
    const read = (from === 0 ? 0 : reading.read) + twins;
    progress.checkpoint = { ...progress.checkpoint, reading: { ...reading, read } };
    if (unclear > mostUnclear && unclear > twins * unclearShare) {
      progress.checkpoint = { ...progress.checkpoint, reading: { ...reading, isUnclear: true } };
      throw new ExportUnusable('the policy reads what an export does not have, such as metadata or versions');
    }
    // Where the hub does not count the twins, an export without any is still no complete one.
    if (next === undefined && read < (reading.total ?? 1) * completeShare)
      throw new ExportUnusable(read === 0 ? 'it has no twins of it' : `it has ${read} of about ${reading.total} twins`);
    progress.add({ examined: twins });
    return {
      items: devices.map((deviceId) => ({ deviceId })),
      ...(next === undefined ? {} : { continuation: `${ready.folder.name} ${next}` }),
    };
  };
  const finding = { moduleId: policy.module, finding: 'suspect' } as const;
  // An export has no versions, so a twin that a guard holds back is read again.
  const find = (items: readonly JsonObject[]) => items.flatMap(deviceIdsOf).map((deviceId) => ({ deviceId }));
  await progress.forEachPage(readPage, finding, find, policy);
}

/** The byte at which a page begins. A position in the blob of another export does not count. */
function byteOf(continuation: string | undefined, { folder }: ReadyExport): number {
  const [name, byte] = continuation?.split(' ') ?? [];
  return name === folder.name ? Number(byte) : 0;
}

async function readLines({ folder, size }: ReadyExport, from: number): Promise<ExportPage> {
  try {
    return await readExportPage(folder, size, from);
  } catch (error) {
    throw new ExportUnusable(`its blob cannot be read: ${describeThrown(error)}`);
  }
}

/** What the lines of a page say about a policy. */
interface JudgedLines {
  /** The devices whose twins must be read. */
  readonly devices: readonly string[];
  /** Number of twins of the policy's module. */
  readonly twins: number;
  /** Number of twins for which only a read can tell. */
  readonly unclear: number;
}

async function judgeLines(
  lines: readonly string[],
  { module }: Policy,
  judge: ExportJudge,
  at: string,
): Promise<JudgedLines> {
  const devices: string[] = [];
  let twins = 0;
  let unclear = 0;
  for (let from = 0; from < lines.length; from += linesPerTurn) {
    if (from > 0) await nextTurn();
    const some = lines.slice(from, from + linesPerTurn).map(readTwin);
    const ofModule = some.filter(({ moduleId }) => moduleId === module);
    const verdicts = judge(ofModule, at);
    devices.push(...ofModule.flatMap(({ deviceId }, index) => (verdicts[index] === 'inLine' ? [] : [deviceId])));
    twins += ofModule.length;
    unclear += verdicts.filter((verdict) => verdict === 'unclear').length;
  }
  return { devices, twins, unclear };
}

function readTwin(line: string): ExportedTwin {
  const twin = readExportLine(line);
  if (twin === undefined) throw new ExportUnusable('it has a line that is no twin');
  return twin;
}
