import * as z from 'zod/mini';

const problemSchema = z.looseObject({
  code: z.string(),
  severity: z.string(),
  sentence: z.string(),
  advice: z.string(),
});

/** The parts of `GET /api/health/details` that are needed here. Older and newer apps may send less and more. */
const detailsSchema = z.looseObject({
  status: z.string(),
  checks: z.optional(z.record(z.string(), z.looseObject({ ok: z.boolean(), detail: z.string() }))),
  problems: z.optional(z.array(problemSchema)),
  state: z.optional(
    z.looseObject({
      version: z.optional(z.string()),
      mode: z.optional(z.string()),
      lastEventAt: z.optional(z.string()),
    }),
  ),
});

/** The answer of an app that could not start. */
const faultsSchema = z.looseObject({ status: z.literal('unhealthy'), faults: z.array(z.string()) });

export type AppDetails = z.output<typeof detailsSchema>;

/** What the app answers about itself. */
export type AppAnswer =
  | { readonly type: 'details'; readonly details: AppDetails }
  /** The app did not start, because its settings or policies are wrong. */
  | { readonly type: 'notStarted'; readonly faults: readonly string[] }
  /** The key is missing or wrong. */
  | { readonly type: 'refused' }
  /** Something else answers, or nothing. `reason` is one sentence. */
  | { readonly type: 'silent'; readonly reason: string };

/** The running app, seen through its HTTP API. */
export interface RunningApp {
  readonly url: string;
  readonly hasKey: boolean;
  /** Asks the app for its health. Does not throw. */
  details(): Promise<AppAnswer>;
}

/** Milliseconds that the app may take to answer. An idle app needs some seconds to start. */
const timeout = 60_000;

/** The app at an address of its API, which ends in `/api`. Sends nothing yet. */
export function openRunningApp(base: string, key: string | undefined): RunningApp {
  async function get(path: string) {
    const headers = { accept: 'application/json', ...(key === undefined ? {} : { 'x-functions-key': key }) };
    // Redirects are refused: a redirect would send the key to another address.
    const answer = await fetch(`${base}/${path}`, { headers, redirect: 'error', signal: AbortSignal.timeout(timeout) });
    return { status: answer.status, body: parse(await answer.text()) };
  }

  return {
    url: base,
    hasKey: key !== undefined,
    async details() {
      try {
        // An app that could not start has only this address.
        const health = await get('health');
        const faults = faultsSchema.safeParse(health.body);
        if (faults.success) return { type: 'notStarted', faults: faults.data.faults };
        if (health.status === 404) {
          return {
            type: 'silent',
            reason: `${base}/health answers 404: no package is deployed, or the app throws while it loads.`,
          };
        }
        if (health.status !== 200 && health.status !== 503) {
          return { type: 'silent', reason: `${base}/health answers ${health.status}.` };
        }
        const { status, body } = await get('health/details');
        if (status === 401 || status === 403) return { type: 'refused' };
        const details = detailsSchema.safeParse(body);
        return details.success
          ? { type: 'details', details: details.data }
          : {
              type: 'silent',
              reason: `${base}/health/details answers ${status} with something unknown: is it Twinkeeper?`,
            };
      } catch (error) {
        const { cause = error } = error as Error;
        return {
          type: 'silent',
          reason: `${base} does not answer: ${cause instanceof Error ? cause.message : cause}.`,
        };
      }
    },
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
