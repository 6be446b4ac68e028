import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endpoint } from '../../../../functions/api/http/endpoint.ts';
import * as parameter from '../../../../functions/api/parameter-schemas.ts';

afterEach(() => void vi.useRealTimers());

/** Sends a request to an endpoint that uses this handler and has one parameter, `limit`. */
async function answer(handle: () => Promise<HttpResponseInit>, query = '') {
  const logged: string[] = [];
  const request = { query: new URLSearchParams(query), params: {} } as unknown as HttpRequest;
  const context = { invocationId: 'the-invocation', error: (text: string) => void logged.push(text) };
  const summary = { summary: '', answers: {}, query: { limit: parameter.limit } };
  const response = await endpoint('policies', { ...summary, handle }).answer(
    request,
    context as unknown as InvocationContext,
  );
  const body = typeof response.body === 'string' ? (JSON.parse(response.body) as unknown) : undefined;
  return { response, body, logged };
}

describe('an endpoint', () => {
  it('shows an unexpected error only in the log, and points the client to the log', async () => {
    const { response, body, logged } = await answer(() => Promise.reject(new TypeError('the key is hunter2')));
    expect(response.status).toBe(500);
    expect(body).toEqual({
      type: 'urn:twinkeeper:problem:internal',
      title: 'Internal error',
      status: 500,
      detail: "An unexpected error occurred. See the app's log for invocation the-invocation.",
    });
    expect(logged).toEqual([expect.stringContaining('hunter2')]);
  });

  it('logs only the codes of a storage error, not its message', async () => {
    const error = Object.assign(new Error('https://account/?sig=hunter2'), { statusCode: 403, code: 'AuthFailed' });
    const { response, body, logged } = await answer(() => Promise.reject(error));
    expect(response.status).toBe(503);
    expect(JSON.stringify([body, logged])).not.toContain('hunter2');
    expect(logged).toEqual([expect.stringContaining('AuthFailed 403')]);
  });

  it('answers 503 when its handler does not finish', async () => {
    vi.useFakeTimers();
    const waiting = answer(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await waiting).response.status).toBe(503);
  });

  it('does not call its handler when a parameter is wrong', async () => {
    const handle = vi.fn(async () => ({ status: 200 }));
    expect((await answer(handle, 'limit=0')).response.status).toBe(400);
    expect((await answer(handle, 'limit=1&what=2')).response.status).toBe(400);
    expect(handle).not.toHaveBeenCalled();
    expect((await answer(handle, 'limit=1')).response).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
    });
  });
});
