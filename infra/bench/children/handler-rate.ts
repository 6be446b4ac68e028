/** Sends how fast the app's event hub function goes, beside parsing alone and beside an empty app. */
import { givenOptions, sendResult } from '../child.ts';
import { batchSize, loadApp } from '../loaded-app.ts';
import { twinEvent } from '../twin-traffic.ts';

/** Events per second of processor time. */
export interface HandlerRates {
  readonly parse: number;
  readonly handler: number;
  readonly emptyInvocation: number;
  readonly invocation: number;
  /** Mean size of the bodies. */
  readonly bodyBytes: number;
}

/** Batches that are gone through in a circle: enough that none is still in the processor's cache when it comes again. */
const batchCount = 40;
/**
 * Short turns, and many: on a machine that others use, the speed of a core changes from one moment to the next, and must do so for all
 * alike.
 */
const turns = 250;
const turnMs = 20;
const warmUpMs = 1_500;

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

class Contender {
  readonly #work: (batch: Batch) => unknown;
  #handled = 0;
  #microseconds = 0;
  #next = 0;

  constructor(work: (batch: Batch) => unknown) {
    this.#work = work;
  }

  /** Processor time and not the clock, because others may be using the machine. */
  async takeTurn(ms: number): Promise<void> {
    const until = performance.now() + ms;
    const from = process.cpuUsage();
    while (performance.now() < until) {
      const batch = batches[this.#next++ % batches.length];
      if (batch === undefined) throw new Error('There are no batches.');
      await this.#work(batch);
      this.#handled += batchSize;
    }
    const { user, system } = process.cpuUsage(from);
    this.#microseconds += user + system;
  }

  forget(): void {
    this.#handled = 0;
    this.#microseconds = 0;
  }

  get rate(): number {
    return (this.#handled / this.#microseconds) * 1e6;
  }
}

const handler = new Contender(({ bodies, context }) => app.handle('twin-events', parseAll(bodies), context));
const parse = new Contender(({ bodies }) => parseAll(bodies));
const invocation = new Contender(({ data }) => app.invoke(data));
const emptyInvocation = new Contender(({ emptyAppData }) => emptyApp.invoke(emptyAppData));

for (const pair of [
  [handler, parse],
  [invocation, emptyInvocation],
]) {
  for (const contender of pair) {
    await contender.takeTurn(warmUpMs);
    contender.forget();
  }
  for (let turn = 0; turn < turns; turn++) for (const contender of pair) await contender.takeTurn(turnMs);
}

const bytes = batches.reduce((sum, { bodies }) => sum + bodies.join('').length, 0);
sendResult({
  parse: parse.rate,
  handler: handler.rate,
  invocation: invocation.rate,
  emptyInvocation: emptyInvocation.rate,
  bodyBytes: Math.round(bytes / (batchCount * batchSize)),
} satisfies HandlerRates);

function parseAll(bodies: readonly string[]): unknown[] {
  return bodies.map((body): unknown => JSON.parse(body));
}
