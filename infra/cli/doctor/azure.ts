import type { TokenCredential } from '@azure/identity';
import type * as z from 'zod/mini';
import type { Clock } from '../../../shared/clock.ts';

/** Reads resources of Azure Resource Manager. */
export interface Azure {
  /** Signs in. Without this call, the first request signs in. Rejects with the error of `@azure/identity` when nobody is signed in. */
  signIn(): Promise<void>;
  /**
   * Reads a resource, or a list at an address below it. Each address is asked once.
   *
   * @param path the id of the resource, such as `/subscriptions/…`, and what follows it
   * @throws {AzureRefusal} when Azure answers with an error, or with something that the schema does not know
   */
  read<T>(path: string, apiVersion: string, schema: z.ZodMiniType<T>, query?: Query): Promise<T>;
  /** Calls an action that only reads, such as the list of an app's settings. Otherwise like `read`. */
  ask<T>(path: string, apiVersion: string, schema: z.ZodMiniType<T>): Promise<T>;
  /**
   * How many milliseconds the clock of this machine is ahead of Azure's. Azure tells whole seconds. `undefined` before the first answer.
   */
  clockLead(): number | undefined;
}

type Query = Readonly<Record<string, string>>;

export interface AzureOptions {
  readonly credential: TokenCredential;
  /** The address of Azure Resource Manager. */
  readonly resourceManager: string;
  readonly clock: Clock;
}

/** Thrown when Azure Resource Manager answers with an error. */
export class AzureRefusal extends Error {
  override readonly name = 'AzureRefusal';
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }

  /** Whether the resource does not exist. */
  get isMissing(): boolean {
    return this.status === 404;
  }
}

/** Milliseconds that one request may take. */
const timeout = 30_000;

/** Opens Azure Resource Manager. Sends nothing yet. */
export async function openAzure({ credential, resourceManager, clock }: AzureOptions): Promise<Azure> {
  const rest = await import('@azure/core-rest-pipeline');
  const { origin } = new URL(resourceManager);
  const scopes = [`${origin}/.default`];
  const client = rest.createDefaultHttpClient();
  const pipeline = rest.createPipelineFromOptions({ retryOptions: { maxRetries: 2 } });
  pipeline.addPolicy(rest.bearerTokenAuthenticationPolicy({ credential, scopes }));
  const answers = new Map<string, Promise<unknown>>();
  let lead: number | undefined;

  function send(method: 'GET' | 'POST', path: string, query: Query): Promise<unknown> {
    const url = `${origin}${path}?${new URLSearchParams(query)}`;
    const key = `${method} ${url}`;
    const answer = answers.get(key) ?? exchange(method, url, path);
    answers.set(key, answer);
    return answer;
  }

  async function exchange(method: 'GET' | 'POST', url: string, path: string): Promise<unknown> {
    const request = rest.createPipelineRequest({ url, method, timeout });
    if (method === 'POST') request.headers.set('content-length', '0');
    const { status, headers, bodyAsText } = await pipeline.sendRequest(client, request);
    const date = Date.parse(headers.get('date') ?? '');
    // The header has no fractions of a second, so its second has begun up to a second ago.
    if (!Number.isNaN(date)) lead = clock.now().getTime() - date - 500;
    const body = parse(bodyAsText);
    if (status === 200) return body;
    throw new AzureRefusal(status, refusalText(status, path, body));
  }

  async function checked<T>(method: 'GET' | 'POST', path: string, query: Query, schema: z.ZodMiniType<T>): Promise<T> {
    const { success, data, error } = schema.safeParse(await send(method, path, query));
    if (success) return data;
    const where = error.issues[0]?.path.join('.') ?? '';
    throw new AzureRefusal(
      200,
      `Azure answered about ${path} with something unknown${where === '' ? '' : ` at ${where}`}.`,
    );
  }

  return {
    async signIn() {
      await credential.getToken(scopes);
    },
    read: (path, apiVersion, schema, query = {}) =>
      checked('GET', path, { ...query, 'api-version': apiVersion }, schema),
    ask: (path, apiVersion, schema) => checked('POST', path, { 'api-version': apiVersion }, schema),
    clockLead: () => lead,
  };
}

function parse(text: string | null | undefined): unknown {
  try {
    return JSON.parse(text ?? '');
  } catch {
    return undefined;
  }
}

function refusalText(status: number, path: string, body: unknown): string {
  const { error } = (body ?? {}) as { readonly error?: { readonly code?: unknown; readonly message?: unknown } };
  const code = typeof error?.code === 'string' ? `, ${error.code}` : '';
  if (status === 404) return `Azure knows no ${path} (404${code}).`;
  if (status === 401) return `Azure refuses your sign-in (401${code}): run "az login" or "azd auth login" again.`;
  if (status === 403) return `You may not look at ${path} (403${code}): you need the role Reader there.`;
  const message = typeof error?.message === 'string' ? ` ${error.message}` : '';
  return `Azure answered about ${path} with an error (${status}${code}).${message}`;
}
