import { toRowThen } from '../../../functions/api/open-row.ts';
import { moment } from '../../../functions/api/standing-at.ts';
import { hasColour } from '../view/colour.ts';
import type { StatusThen } from '../view/past-view.ts';
import { safeJson } from '../view/safe-text.ts';
import { type HistorySource, pagesOf } from './history-source.ts';

/** The largest number of rows that the command counts. A fleet in audit mode can have one for each device. */
const mostRows = 5000;
/** The number of devices that are named. */
const namedDevices = 10;

/** `twinkeeper status --at TIME`: prints what was in force, how many devices complied, and what was out of line. */
export async function showStatusAt(history: HistorySource, at: string, isJson: boolean): Promise<void> {
  const status = await statusAt(history, at);
  if (status.policies.length === 0 && status.open.total === 0) {
    throw new Error(
      `Nothing is known about ${at}: the record of policies begins later, and the history has no row of that time.`,
    );
  }
  // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
  process.exitCode = status.open.total === 0 ? 0 : 2;
  if (isJson) {
    process.stdout.write(`${safeJson(status)}\n`);
    return;
  }
  const { renderStatusAt } = await import('../view/past-view.ts');
  process.stdout.write(`${renderStatusAt(status, hasColour(process.stdout))}\n`);
}

async function statusAt(history: HistorySource, at: string): Promise<StatusThen> {
  const standing = await history.standingAt(at);
  const [byPolicy, byState] = [new Map<string, number>(), new Map<string, number>()];
  const devices = new Set<string>();
  let total = 0;
  let isMore = false;
  for await (const { rows, more } of pagesOf(history, moment(at), mostRows)) {
    for (const row of rows) {
      total++;
      increase(byPolicy, row.policy);
      increase(byState, toRowThen(row, at).why.state);
      if (devices.size < namedDevices) devices.add(row.deviceId);
    }
    isMore = more;
  }
  const counts = { byPolicy: Object.fromEntries(byPolicy), byState: Object.fromEntries(byState) };
  return { ...standing, open: { total, isMore, ...counts, devices: [...devices] } };
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}
