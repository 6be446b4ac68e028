/**
 * The daily message quota of the hub, as a middleware that refuses calls after its end ("IoT Hub quotas and throttling", "Azure IoT Hub billing
 * information"). Telemetry, twin reads, twin updates and query results share the quota. All other calls are free.
 */
import * as z from 'zod/mini';
import type { Clock } from '../../../shared/clock.ts';
import { checkOptions } from './check-options.ts';
import { HubError } from './errors.ts';
import { type Answer, errorAnswer } from './http-listener.ts';
import type { Call, Middleware } from './http-service.ts';
import { isObject } from './json.ts';
import type { Tier } from './throttle-limits.ts';

/** Options of the quota, as plain JSON. */
export interface QuotaOptions {
  /** The number of messages a day, of all units together. */
  readonly limit: number;
  /** The bytes of one message: 4096, or 512 on the free tier. Default: 4096. */
  readonly messageBytes?: 512 | 4096;
  /** The HTTP status of the refusal. Azure's documentation names both. Default: 403. */
  readonly status?: 403 | 429;
}

/** The quota of one unit for each tier, in messages a day. */
const messagesPerUnit: Readonly<Record<Tier, number>> = {
  F1: 8000,
  S1: 400_000,
  S2: 6_000_000,
  S3: 300_000_000,
  GEN2: 400_000,
};

const count = 'must be a whole number, 0 or more';

const schema = z.strictObject(
  {
    limit: z.int(count).check(z.gte(0, count)),
    messageBytes: z.exactOptional(z.union([z.literal(512), z.literal(4096)], 'must be 512 or 4096')),
    status: z.exactOptional(z.union([z.literal(403), z.literal(429)], 'must be 403 or 429')),
  },
  'must be { limit, messageBytes?, status? } and nothing else',
);

const telemetrySchema = z.strictObject({ messages: z.int(count).check(z.gte(0, count)) }, 'must be { messages }');

/** The quota of a hub of this tier. */
export function quotaOf(tier: Tier, units: number): QuotaOptions {
  return { limit: messagesPerUnit[tier] * units, messageBytes: tier === 'F1' ? 512 : 4096 };
}

/** Counts the messages of each day. Without options, the hub counts and never refuses. */
export class Quota {
  readonly #clock: Clock;
  #options: Required<QuotaOptions> | undefined;
  #used = 0;
  #day = '';

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * Sets the quota. What was used today stays used.
   * @throws {HubError} 400 if an option is invalid.
   */
  set(options: unknown): void {
    this.#options = { messageBytes: 4096, status: 403, ...checkOptions('quota', schema, options) };
  }

  unset(): void {
    this.#options = undefined;
  }

  /** Counts messages of the fleet, such as its telemetry. */
  addTelemetry(body: unknown): void {
    this.#add(checkOptions('quota', telemetrySchema, body).messages);
  }

  report() {
    return { ...(this.#options ?? { limit: null }), used: this.#usedToday(), day: this.#day };
  }

  /**
   * Refuses a call that costs messages when none are left. Otherwise counts the messages of the call, and adds their number and the text of the
   * body to the answer.
   */
  readonly middleware: Middleware = async (call, next): Promise<Answer> => {
    if (!isBilled(call)) return next();
    const options = this.#options;
    if (options !== undefined && this.#usedToday() >= options.limit) {
      const error = new HubError(
        'IotHubQuotaExceeded',
        `Total number of messages exceeded the quota of ${options.limit}`,
      );
      return { ...errorAnswer(error), status: options.status };
    }
    const answer = await next();
    if (answer.status >= 300) return answer;
    const text = JSON.stringify(answer.body) ?? '';
    const bytes = call.callClass === 'twinUpdate' ? updateBytes(call) : Buffer.byteLength(text);
    const messages = Math.max(1, Math.ceil(bytes / (options?.messageBytes ?? 4096)));
    this.#add(messages);
    return { ...answer, text, messages };
  };

  #usedToday(): number {
    const today = this.#clock.now().toISOString().slice(0, 10);
    if (today !== this.#day) {
      this.#day = today;
      this.#used = 0;
    }
    return this.#used;
  }

  #add(messages: number): void {
    this.#used = this.#usedToday() + messages;
  }
}

function isBilled({ callClass }: Call): boolean {
  return callClass === 'twinRead' || callClass === 'twinUpdate' || callClass === 'query';
}

/** The size of an update. The hub bills the tags and properties of the request, and not the twin that it answers with. */
function updateBytes({ request }: Call): number {
  const body = request.json();
  return isObject(body) ? Buffer.byteLength(JSON.stringify({ tags: body.tags, properties: body.properties })) : 0;
}
