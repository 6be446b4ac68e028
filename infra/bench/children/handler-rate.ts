/** Measures and sends the events per second of the app's event hub function, of JSON parsing alone, and of an empty app. */
import { givenOptions, sendResult } from '../child-process.ts';
import { batchSize, loadApp } from '../loaded-app.ts';
import { twinEvent } from '../twin-traffic.ts';

/** Events per second of processor time, for each workload. */
export interface HandlerRates {
  readonly parse: number;
  readonly handler: number;
  readonly emptyInvocation: number;
  readonly invocation: number;
  /** Mean size of an event's body in bytes. */
  readonly bodyBytes: number;
}

/** Number of different batches of events. They are used in turn. A batch has left the processor's cache before it is used again. */
const batchCount = 40;
/**
 * Number of measured rounds of each workload. The rounds are short and the workloads take turns, so other load on the machine slows all
 * workloads equally.
 */
const rounds = 250;
const roundMs = 20;
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

/** A task whose events per second are measured, such as parsing JSON or calling the app's event handler. */
class Workload {
  readonly #work: (batch: Batch) => unknown;
  #handled = 0;
  #microseconds = 0;
  #next = 0;

  constructor(work: (batch: Batch) => unknown) {
    this.#work = work;
  }

  /** Repeats the task for `ms` milliseconds. Counts processor time and not real time, because other processes may use the machine. */
  async runRound(ms: number): Promise<void> {
    const until = performance.now() + ms;
    const from = process.cpuUsage();
    while (performance.now() < until) {
      const batch = batches[this.#next++ % batches.length];
      if (batch === undefined) throw new Error('The list of batches is empty.');
      await this.#work(batch);
      this.#handled += batchSize;
    }
    const { user, system } = process.cpuUsage(from);
    this.#microseconds += user + system;
  }

  /** Discards the numbers that were measured so far. Called after the warm-up. */
  reset(): void {
    this.#handled = 0;
    this.#microseconds = 0;
  }

  get rate(): number {
    return (this.#handled / this.#microseconds) * 1e6;
  }
}

const handler = new Workload(({ bodies, context }) => app.handle('twin-events', parseAll(bodies), context));
const parse = new Workload(({ bodies }) => parseAll(bodies));
const invocation = new Workload(({ data }) => app.invoke(data));
const emptyInvocation = new Workload(({ emptyAppData }) => emptyApp.invoke(emptyAppData));

for (const pair of [
  [handler, parse],
  [invocation, emptyInvocation],
]) {
  for (const workload of pair) {
    await workload.runRound(warmUpMs);
    workload.reset();
  }
  for (let round = 0; round < rounds; round++) for (const workload of pair) await workload.runRound(roundMs);
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
