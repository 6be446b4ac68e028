import type {
  DeadLettersPage,
  DeviceAnswer,
  DriftPage,
  OpenPage,
  PoliciesAnswer,
  SweepsAnswer,
} from '../../../functions/api/answers.ts';
import { safeText } from '../view/safe-text.ts';
import type { HistorySource } from './history-source.ts';

/** Milliseconds that an answer may take. An app that has slept takes some seconds to wake up. */
const timeout = 60_000;
const largestPage = 1000;

/** An answer that is a problem document: what it says, and the kind of problem that it is. */
class Refusal extends Error {
  readonly type: unknown;

  constructor(message: string, type: unknown) {
    super(message);
    this.type = type;
  }
}

/**
 * The history as the running app tells it over HTTP. Errors say what to do about them, and never show the key.
 *
 * @param address where the functions are, with or without `/api`
 * @throws for an address that is none, or over which a key would go in the clear, and for a key that can be none
 */
export function fromFunctions(address: string, key: string | undefined): HistorySource {
  const base = baseOf(address, key !== undefined);
  // What sends it would show it, in saying that it cannot be sent.
  if (key !== undefined && !/^[!-~]+$/.test(key.trim())) {
    throw new Error('The key is empty, or has characters that no key has: copy it again, as one line.');
  }

  /** Asks for what is at a path, and has a list by this name. */
  async function get<T>(
    path: string,
    list: keyof T & string,
    parameters: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<T> {
    const url = new URL(`${base}/${path}`);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const { ok, status, text } = await ask(url).catch((error: Error) => {
      const cause = error.cause instanceof Error ? error.cause.message : error.message;
      throw new Error(`${base} cannot be asked: ${safeText(cause)}.`);
    });
    if (status === 401 || status === 403) {
      throw new Error(
        `${base} does not let us in (${status}): ${key === undefined ? 'give its function key with --key, or in FUNCTION_APP_KEY' : 'the key is not one of its function keys'}.`,
      );
    }
    const body = (parse(text) ?? {}) as Readonly<Record<string, unknown>>;
    if (ok && Array.isArray(body[list])) return body as T;
    const { detail = body.title, type } = ok ? {} : body;
    const said = typeof detail === 'string' ? detail : 'is --url the address of the functions?';
    throw new Refusal(`${base}/${path.split('/', 1)[0]} answered ${status}: ${safeText(said, 400)}`, type);
  }

  async function ask(url: URL) {
    const headers = { accept: 'application/json', ...(key === undefined ? {} : { 'x-functions-key': key }) };
    // The key is for this address, and for none that it sends us on to.
    const answer = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeout) });
    return { ok: answer.ok, status: answer.status, text: await answer.text() };
  }

  return {
    page: (query, limit, cursor) =>
      get<DriftPage>('drift', 'rows', { ...query, limit: Math.min(largestPage, limit), cursor }),

    open: (query, limit, cursor) =>
      get<OpenPage>('drift/open', 'rows', { ...query, limit: Math.min(largestPage, limit), cursor }),

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
      } while (cursor !== undefined);
      return count;
    },

    async policies() {
      const { policies } = await get<PoliciesAnswer>('policies', 'policies');
      return policies.map(({ name, devices }) => ({ policy: name, devices }));
    },

    async device(deviceId) {
      // Whatever carries the request takes them for steps in the path, encoded or not.
      if (deviceId === '.' || deviceId === '..') {
        throw new Error(
          `No address can hold the device id ${deviceId}: "twinkeeper drift --device ${deviceId}" tells its history, and --storage in place of --url all.`,
        );
      }
      try {
        const { exists, at, modules } = await get<DeviceAnswer>(`devices/${encodeURIComponent(deviceId)}`, 'modules');
        return { exists, at, modules };
      } catch (error) {
        // That neither the hub nor the history knows it. An address where nothing is has no such document.
        if (!(error instanceof Refusal) || error.type !== 'urn:twinkeeper:problem:notFound') throw error;
        return { exists: false, at: new Date().toISOString(), modules: [] };
      }
    },
  };
}

function baseOf(address: string, hasKey: boolean): string {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.search !== '' || url.username !== '') {
    throw new Error(
      '--url is no address of functions: it must look like https://my-app.azurewebsites.net; the key goes with --key.',
    );
  }
  const isLoopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  if (hasKey && url.protocol === 'http:' && !isLoopback) {
    throw new Error('--url begins with http:, so that the key could be read on the way: use https:.');
  }
  return `${url.origin}${url.pathname.replace(/\/+$/, '').replace(/\/api$/, '')}/api`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
