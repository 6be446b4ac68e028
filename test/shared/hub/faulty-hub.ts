import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { Middleware } from '../../../infra/local/hub/http-service.ts';
import type { JsonValue } from '../../../infra/local/hub/json.ts';
import type { Clock } from '../../../shared/clock.ts';
import { connectToHub, type Hub, type IotHubOptions } from '../../../shared/hub/index.ts';
import { startTestHub, type TestHub } from '../../infra/local/hub/hub-client.ts';

/**
 * The faults with which the local hub can answer a call. `wait` delays the usual answer, `hang` never answers, and `answer` answers with a
 * given body.
 */
type Fault = 'throttle' | 'throttle for 3 s' | 'throttle entries' | 'fail' | 'hang' | 'wait' | 'answer';

/** A budget so large that no test must wait for the budget. */
const largeBudget = { tier: 'S3', units: 10, share: 1 } as const;

/**
 * A local hub that can answer calls with faults. The hub starts before the tests of a file and closes after them. The list of faults and
 * the counts are reset before each test.
 */
export class FaultyHub {
  /** The faults with which the hub answers the next calls, in order. When the list is empty, the hub answers as usual. */
  faults: Fault[] = [];
  /** Number of calls that have reached the hub. */
  callCount = 0;
  /** The body of the answer for the fault `answer`. */
  body: JsonValue = {};
  /** One function for each call that the fault `wait` delays. The function lets the hub answer the call. */
  waiting: (() => void)[] = [];
  #local: TestHub | undefined;

  constructor() {
    beforeAll(async () => {
      this.#local = await startTestHub({ middleware: [this.#answer] });
    });
    afterAll(() => this.#local?.close());
    beforeEach(() => {
      this.faults = [];
      this.callCount = 0;
      this.waiting = [];
    });
  }

  get local(): TestHub {
    if (this.#local === undefined) throw new Error('The local hub has not started.');
    return this.#local;
  }

  /** Connects to the local hub with a new budget, short delays and a short idle time-out. With `port`, connects to another server. */
  connect(options: IotHubOptions = {}, port = this.local.httpsPort): Hub {
    const connectionString = this.local.connectionString('twinkeeper').replace('localhost', `localhost:${port}`);
    const quick = { retries: 3, firstDelay: 1, longestDelay: 2, idleTimeout: 1000, budget: largeBudget };
    return connectToHub({ connectionString }, { ca: this.local.ca, ...quick, ...options });
  }

  readonly #answer: Middleware = async (_, next) => {
    this.callCount++;
    switch (this.faults.shift()) {
      case 'throttle':
        return throttled('0');
      case 'throttle for 3 s':
        return throttled('3');
      case 'throttle entries':
        return {
          status: 200,
          body: {
            isSuccessful: false,
            errors: [{ deviceId: 'x', errorCode: 'ThrottlingException', errorStatus: 'slow' }],
          },
        };
      case 'wait':
        await new Promise<void>((resolve) => this.waiting.push(resolve));
        return next();
      case 'fail':
        return { status: 503, body: { Message: 'ErrorCode:ServiceUnavailable;try later' } };
      case 'answer':
        return { status: 200, body: this.body };
      case 'hang':
        return new Promise(() => {});
      default:
        return next();
    }
  };
}

function throttled(retryAfter: string) {
  return {
    status: 429,
    headers: { 'retry-after': retryAfter },
    body: { Message: 'ErrorCode:ThrottlingException;slow down' },
  };
}

/**
 * A clock for tests that does not really wait: each sleep ends at once and moves the time forward. `slept` lists the milliseconds of each
 * sleep.
 */
export function instantClock(): { readonly clock: Clock; readonly slept: number[] } {
  let time = Date.now();
  const slept: number[] = [];
  const clock: Clock = {
    now: () => new Date(time),
    sleep: async (milliseconds) => {
      slept.push(milliseconds);
      time += milliseconds;
    },
  };
  return { clock, slept };
}
