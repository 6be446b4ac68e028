/** Formats measurements: as JSON lines for programs, and as a table for people. */
import { cpus, loadavg, totalmem } from 'node:os';
import Table from 'cli-table3';
import { isMet, type Measurement, ratioOf, type Target } from './bench.ts';

/** One measurement as a JSON line, `{ bench, case, ours, peer, ratio, unit }`. `ratio` is `null` if `peer` is 0 and `ours` is not. */
export function toJsonLine(bench: string, measurement: Measurement): string {
  const { case: name, ours, peer, unit } = measurement;
  const ratio = ratioOf(measurement);
  return JSON.stringify({ bench, case: name, ours: round(ours), peer: round(peer), ratio: round(ratio), unit });
}

/** The measurements of a run as a table for people. After the table comes the note of each measurement. */
export function toTable(rows: readonly { readonly bench: string; readonly measurement: Measurement }[]): string {
  const table = new Table({
    head: ['bench', 'case', 'ours', 'peer', 'unit', 'ratio', 'wanted', ''],
    colAligns: ['left', 'left', 'right', 'right', 'left', 'right', 'right', 'left'],
    style: { head: [], border: [] },
  });
  for (const { bench, measurement } of rows) {
    const { case: name, ours, peer, unit, target } = measurement;
    table.push([
      bench,
      name,
      show(ours),
      show(peer),
      unit,
      ratioOf(measurement).toFixed(2),
      showTarget(target),
      isMet(measurement) ? 'ok' : 'MISSED',
    ]);
  }
  const notes = rows.map(({ bench, measurement }) => `${bench} ${measurement.case}: ${measurement.note}`);
  return [table.toString(), '', ...notes].join('\n');
}

/** One text about the machine: Node version, processor, memory and load. Load from other processes makes all measured times longer. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memory = Math.round(totalmem() / 2 ** 30);
  return `Node ${process.version} on ${process.platform} ${process.arch}, ${cpus().length} × ${cpu?.model.trim() ?? 'unknown CPU'}, ${memory} GB, load ${loadavg()[0]?.toFixed(1)}`;
}

function showTarget(target: Target): string {
  return 'atLeast' in target ? `≥ ${target.atLeast}` : `≤ ${target.atMost}`;
}

/** Rounds a number to four significant digits. */
function round(value: number): number {
  return Number(value.toPrecision(4));
}

function show(value: number): string {
  return round(value).toLocaleString('en', { maximumFractionDigits: 3 });
}
