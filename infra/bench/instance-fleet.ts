import type { Clock } from '../../shared/clock.ts';
import { type BudgetOptions, CallGate, dailyMessages, type OperationClass } from '../../shared/hub/index.ts';
import { AppShare, type DayUsage, UsageRecorder } from '../../shared/status/index.ts';

export interface InstanceFleetOptions {
  readonly clock: Clock;
  readonly budget: BudgetOptions;
  /** The class of the calls. */
  readonly operation: OperationClass;
  /** Milliseconds that each request to storage takes. */
  readonly storageLatency: number;
  /** Called at each call to the hub. */
  readonly onCall: (messages: number) => void;
  /** The messages that each call takes from the hub's daily quota. Default: 0. */
  readonly messages?: number;
}

/** Number of calls that each instance makes at the same time. */
const callers = 4;
/** Milliseconds that one call takes. */
const callTime = 50;

/**
 * Instances of the app that always have more calls to make than the app's share allows. The limiter, the share and the use are the app's own
 * code. Storage is a table in memory with a latency, and the hub answers each call.
 */
export class InstanceFleet {
  readonly #options: InstanceFleetOptions;
  readonly #rows = new Map<string, DayUsage & { readonly instance: string }>();
  readonly #running: { isStopped: boolean }[] = [];
  #started = 0;

  constructor(options: InstanceFleetOptions) {
    this.#options = options;
  }

  /** Number of instances that run. */
  get size(): number {
    return this.#running.length;
  }

  /** Starts or stops instances until so many run. The oldest stop first, and a new one has a new name. */
  resize(instances: number): void {
    while (this.size > instances) {
      const stopping = this.#running.shift();
      if (stopping !== undefined) stopping.isStopped = true;
    }
    while (this.size < instances) this.#start();
  }

  #start(): void {
    const { clock, budget, operation, storageLatency, onCall, messages = 0 } = this.#options;
    const instance = `instance-${++this.#started}`;
    const usage = new UsageRecorder({
      store: async (row) => {
        await clock.sleep(storageLatency);
        this.#rows.set(`${row.day} ${instance}`, { ...row, instance });
      },
      now: () => clock.now(),
      later: () => {},
    });
    const share = new AppShare({
      instance,
      usage,
      uses: async () => {
        await clock.sleep(storageLatency);
        return [...this.#rows.values()];
      },
      dailyMessages: dailyMessages(budget),
      clock,
    });
    const gate = new CallGate({ budget, share, clock, random: Math.random });
    const state = { isStopped: false };
    this.#running.push(state);
    const work = async () => {
      while (!state.isStopped) {
        const permit = await gate.acquire({ operation, lane: 'events', longestWait: 60_000, operations: 1 });
        if (state.isStopped) return;
        if (!permit.granted) {
          await clock.sleep(Math.min(60_000, permit.problem.retryAfter ?? 0));
          continue;
        }
        onCall(messages);
        await clock.sleep(callTime);
        share.called({ operation, result: 'ok', messages });
      }
    };
    for (let caller = 0; caller < callers; caller++) void work();
  }
}
