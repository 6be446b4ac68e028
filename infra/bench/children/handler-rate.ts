/** Sends how fast the app's event hub function goes, beside parsing alone and beside an empty app. Needs `--expose-gc`. */
import { givenOptions, sendResult } from '../child.ts';
import { batchSize, loadApp } from '../loaded-app.ts';
import { twinEvent } from '../twin-traffic.ts';

/** Events per second of processor time, one number a turn. */
export interface HandlerRates {
  readonly parse: number[];
  readonly handler: number[];
  readonly emptyInvocation: number[];
  readonly invocation: number[];
  /** Mean size of the bodies. */
  readonly bodyBytes: number;
}

/** Batches that are gone through in a circle: enough that none is still in the processor's cache when it comes again. */
const batchCount = 40;
const turns = 15;
const turnMs = 250;

const { file, peer } = givenOptions<{ readonly file: string; readonly peer: string }>();
const app = await loadApp(file);
const emptyApp = await loadApp(peer);

const batches = await Promise.all(
  Array.from({ length: batchCount }, async (_, index) => {
    const from = index * batchSize;
    const data = app.batch(from);
    const bodies = Array.from({ length: batchSize }, (_, offset) => twinEvent(from + offset).body.toString());
    return { bodies, context: await app.contextOf(data), data, emptyAppData: emptyApp.batch(from) };
  }),
);
type Batch = (typeof batches)[number];

const contenders: readonly (readonly [keyof Omit<HandlerRates, 'bodyBytes'>, (batch: Batch) => unknown])[] = [
  ['handler', ({ bodies, context }) => app.handle('twin-events', parseAll(bodies), context)],
  ['parse', ({ bodies }) => parseAll(bodies)],
  ['invocation', ({ data }) => app.invoke(data)],
  ['emptyInvocation', ({ emptyAppData }) => emptyApp.invoke(emptyAppData)],
];

const bytes = batches.reduce((sum, { bodies }) => sum + bodies.join('').length, 0);
const rates: HandlerRates = {
  parse: [],
  handler: [],
  invocation: [],
  emptyInvocation: [],
  bodyBytes: Math.round(bytes / (batchCount * batchSize)),
};
// Each has a turn that only warms it up, longer than the others.
for (const [, work] of contenders) await rateOf(work, 4 * turnMs);
// In turns, so that whatever else the machine does falls on all alike.
for (let turn = 0; turn < turns; turn++) {
  for (const [name, work] of contenders) rates[name].push(await rateOf(work, turnMs));
}
sendResult(rates);

/** Processor time and not the clock, because others may be using the machine. Garbage is on the account of who made it. */
async function rateOf(work: (batch: Batch) => unknown, ms: number): Promise<number> {
  globalThis.gc?.();
  const until = performance.now() + ms;
  const from = process.cpuUsage();
  let handled = 0;
  for (let index = 0; performance.now() < until; index++) {
    const batch = batches[index % batches.length];
    if (batch === undefined) continue;
    await work(batch);
    handled += batchSize;
  }
  const { user, system } = process.cpuUsage(from);
  return (handled / (user + system)) * 1e6;
}

function parseAll(bodies: readonly string[]): unknown[] {
  return bodies.map((body): unknown => JSON.parse(body));
}
