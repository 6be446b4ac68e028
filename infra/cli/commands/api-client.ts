/** Asks the HTTP API of the running app. */
import { safeText } from '../view/safe-text.ts';
import { functionsApi } from './functions-api.ts';

/** Milliseconds that the app may take to answer a request. An idle app needs some seconds to start. */
const timeout = 60_000;
/**
 * Thrown when the app answers a request with an error, or when the answer does not come from the app. `type` is the `type` of the problem
 * document in the answer. It is `undefined` without a problem document.
 */
export class Refusal extends Error {
  readonly type: unknown;

  constructor(message: string, type: unknown) {
    super(message);
    this.type = type;
  }
}

/** Requests to the HTTP API of the running app. The messages of its errors say what to do and never contain the key. */
export interface ApiClient {
  /** The address of the API, which ends in `/api`. */
  readonly base: string;
  /** Gets a path of the HTTP API. `list` is the name of a property that is an array in every valid answer. */
  get<T>(
    path: string,
    list: keyof T & string,
    parameters?: Readonly<Record<string, string | number | undefined>>,
  ): Promise<T>;
  /** Sends a request, and returns the answer whatever its status is. */
  ask(url: URL): Promise<{ readonly ok: boolean; readonly status: number; readonly text: string }>;
}

/**
 * @param address the base address of the functions, with or without `/api`
 * @throws An Error when the address is malformed, when the key would be sent unencrypted, or when the key is malformed.
 */
export function apiClient(address: string, key: string | undefined): ApiClient {
  const base = functionsApi(address, key);

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

  return { base, get, ask };
}

/** The value of a JSON text, or undefined when the text is not JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
