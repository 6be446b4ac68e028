import type {
  DeadLettersPage,
  DeviceAnswer,
  DriftPage,
  OpenPage,
  PoliciesAnswer,
  SweepsAnswer,
} from '../../../functions/api/shapes.ts';
import { safeText } from '../view/safe-text.ts';
import type { HistorySource } from './history-source.ts';

/** Milliseconds that an answer may take. An app that has slept takes some seconds to wake up. */
const timeout = 60_000;
const largestPage = 1000;

/**
 * The history as the running app tells it over HTTP. Errors say what to do about them, and never show the key.
 *
 * @param address where the functions are, with or without `/api`
 * @throws for an address that is none, or over which a key would go in the clear
 */
export function fromFunctions(address: string, key: string | undefined): HistorySource {
  const base = baseOf(address, key !== undefined);

  async function get<T>(
    path: string,
    parameters: Readonly<Record<string, string | number | undefined>> = {},
  ): Promise<T> {
    const url = new URL(`${base}/${path}`);
    for (const [name, value] of Object.entries(parameters)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const headers = { accept: 'application/json', ...(key === undefined ? {} : { 'x-functions-key': key }) };
    // The key is for this address, and for none that it sends us on to.
    const answer = await fetch(url, { headers, redirect: 'error', signal: AbortSignal.timeout(timeout) }).catch(
      (error: Error) => {
        const cause = error.cause instanceof Error ? error.cause.message : error.message;
        throw new Error(`${base} cannot be asked: ${safeText(cause)}.`);
      },
    );
    const text = await answer.text();
    if (answer.status === 401 || answer.status === 403) {
      throw new Error(
        `${base} does not let us in (${answer.status}): ${key === undefined ? 'give its function key with --key, or in FUNCTION_APP_KEY' : 'the key is not one of its function keys'}.`,
      );
    }
    const body = parse(text);
    if (answer.ok && body !== undefined) return body as T;
    const { detail, title } = (body ?? {}) as { readonly detail?: unknown; readonly title?: unknown };
    const said =
      typeof detail === 'string'
        ? detail
        : typeof title === 'string'
          ? title
          : 'is --url the address of the functions?';
    throw new Error(`${base}/${path.split('/', 1)[0]} answered ${answer.status}: ${safeText(said, 400)}`);
  }

  return {
    page: (query, limit, cursor) => get<DriftPage>('drift', { ...query, limit: Math.min(largestPage, limit), cursor }),

    open: (query, limit, cursor) =>
      get<OpenPage>('drift/open', { ...query, limit: Math.min(largestPage, limit), cursor }),

    async lastSweep() {
      return (await get<SweepsAnswer>('sweeps', { limit: 1 })).sweeps[0];
    },

    async deadLetters() {
      let count = 0;
      let cursor: string | undefined;
      do {
        const page = await get<DeadLettersPage>('dead-letters', { limit: largestPage, cursor });
        count += page.letters.length;
        cursor = page.cursor;
      } while (cursor !== undefined);
      return count;
    },

    async policies() {
      const { policies } = await get<PoliciesAnswer>('policies');
      return policies.map(({ name, devices }) => ({ policy: name, devices }));
    },

    async device(deviceId) {
      const { exists, at, modules } = await get<DeviceAnswer>(`devices/${encodeURIComponent(deviceId)}`);
      return { exists, at, modules };
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
