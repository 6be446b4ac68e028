import type {
  ActionsAnswer,
  DeadLettersPage,
  DeviceAnswer,
  DriftPage,
  HealthDetails,
  OpenPage,
  PoliciesAnswer,
  PolicyVersionsAnswer,
  SummaryAnswer,
  SweepsAnswer,
} from '../../../functions/api/answers.ts';
import { mostDeadLetters } from '../../../shared/status/index.ts';
import { safeText } from '../view/safe-text.ts';
import { functionsApi } from './functions-api.ts';
import type { HistorySource } from './history-source.ts';

/** Milliseconds that the app may take to answer a request. An idle app needs some seconds to start. */
const timeout = 60_000;
const largestPage = 1000;

/**
 * Thrown when the app answers a request with an error, or when the answer does not come from the app. `type` is the `type` of the problem
 * document in the answer. It is `undefined` without a problem document.
 */
class Refusal extends Error {
  readonly type: unknown;

  constructor(message: string, type: unknown) {
    super(message);
    this.type = type;
  }
}

/**
 * The history, read through the HTTP API of the running app. The messages of its errors say what to do and never contain the key.
 *
 * @param address the base address of the functions, with or without `/api`
 * @throws An Error when the address is malformed, when the key would be sent unencrypted, or when the key is malformed.
 */
export function fromFunctions(address: string, key: string | undefined): HistorySource {
  const base = functionsApi(address, key);

  /** Gets a path of the HTTP API. `list` is the name of a property that is an array in every valid answer. */
  async function get<T>(
    path: string,
    list: keyof T & string,
    parameters: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<T> {
    const url = new URL(`${base}/${path}`);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const { ok, status, text } = await ask(url);
    if (status === 401 || status === 403) {
      throw new Error(
        `${base} refuses access (${status}): ${key === undefined ? 'give a function key with --key or FUNCTION_APP_KEY' : 'the key is not one of its function keys'}.`,
      );
    }
    const body = (parse(text) ?? {}) as Readonly<Record<string, unknown>>;
    if (ok && Array.isArray(body[list])) return body as T;
    const { detail = body.title, type } = ok ? {} : body;
    const reason = typeof detail === 'string' ? detail : 'check that --url is the address of the functions.';
    throw new Refusal(`${base}/${path.split('/', 1)[0]} answered ${status}: ${safeText(reason, 400)}`, type);
  }

  async function ask(url: URL) {
    const headers = { accept: 'application/json', ...(key === undefined ? {} : { 'x-functions-key': key }) };
    try {
      // Redirects are refused: a redirect would send the key to another address.
      const answer = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeout) });
      return { ok: answer.ok, status: answer.status, text: await answer.text() };
    } catch (error) {
      const { cause = error } = error as Error;
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`${base} cannot be reached: ${safeText(reason)}.`);
    }
  }

  return {
    page: (query, limit, cursor) =>
      get<DriftPage>('drift', 'rows', { ...query, limit: Math.min(largestPage, limit), cursor }),

    open: (query, limit, cursor) =>
      get<OpenPage>('drift/open', 'rows', { ...query, limit: Math.min(largestPage, limit), cursor }),

    actions: (query, limit, cursor) =>
      get<ActionsAnswer>('actions', 'actions', { ...query, limit: Math.min(largestPage, limit), cursor }),

    summary: (from, to) => get<SummaryAnswer>('summary', 'compliance', { from, to, bucket: '1h' }),

    async policyVersions(policy) {
      try {
        return await get<PolicyVersionsAnswer>(`policies/${encodeURIComponent(policy)}/versions`, 'versions');
      } catch (error) {
        if (!isNotFound(error)) throw error;
        return { versions: [], inForce: [] };
      }
    },

    async policyNames() {
      return (await get<PoliciesAnswer>('policies', 'policies')).policies.map(({ name }) => name);
    },

    async lastSweep() {
      return (await get<SweepsAnswer>('sweeps', 'sweeps', { limit: 1 })).sweeps[0];
    },

    async deadLetters() {
      let count = 0;
      let cursor: string | undefined;
      do {
        const page = await get<DeadLettersPage>('dead-letters', 'letters', { limit: largestPage, cursor });
        count += page.letters.length;
        cursor = page.cursor;
      } while (cursor !== undefined && count < mostDeadLetters);
      return Math.min(count, mostDeadLetters);
    },

    async standing() {
      const { policies, open, openCountedAt } = await get<PoliciesAnswer>('policies', 'policies');
      return {
        policies: policies.map(({ name, devices, openDevices }) => ({ policy: name, devices, outOfLine: openDevices })),
        open,
        countedAt: openCountedAt,
      };
    },

    async health() {
      const { status, text } = await ask(new URL(`${base}/health/details`));
      const body = (parse(text) ?? {}) as Partial<HealthDetails>;
      // A 503 has the details of an unhealthy app, or is a problem document, whose `status` is a number.
      return (status === 200 || status === 503) && typeof body.status === 'string'
        ? (body as HealthDetails)
        : undefined;
    },

    async device(deviceId) {
      // These two ids cannot be in a URL: URL parsers treat `.` and `..` as path segments, even when they are encoded.
      if (deviceId === '.' || deviceId === '..') {
        throw new Error(
          `A URL cannot contain the device id ${deviceId}. Use --storage instead of --url, or "twinkeeper drift --device ${deviceId}" for its history.`,
        );
      }
      try {
        const { exists, at, modules } = await get<DeviceAnswer>(`devices/${encodeURIComponent(deviceId)}`, 'modules');
        return { exists, at, modules };
      } catch (error) {
        // The app answers with this problem type when neither the hub nor the history has the device.
        if (!isNotFound(error)) throw error;
        return { exists: false, at: new Date().toISOString(), modules: [] };
      }
    },
  };
}

function isNotFound(error: unknown): boolean {
  return error instanceof Refusal && error.type === 'urn:twinkeeper:problem:notFound';
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
