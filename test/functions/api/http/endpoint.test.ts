import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { endpoint } from '../../../../functions/api/http/endpoint.ts';
import * as parameter from '../../../../functions/api/parameters.ts';

afterEach(() => void vi.useRealTimers());

/** Answers a request with this query as an endpoint with this handler does. */
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
  it('says of an error that nobody foresaw where to look, and tells the log alone what it is', async () => {
    const { response, body, logged } = await answer(() => Promise.reject(new TypeError('the key is hunter2')));
    expect(response.status).toBe(500);
    expect(body).toEqual({
      type: 'urn:twinkeeper:problem:internal',
      title: 'Something went wrong',
      status: 500,
      detail: 'The log of the app says more, under invocation the-invocation.',
    });
    expect(logged).toEqual([expect.stringContaining('hunter2')]);
  });

  it('tells even the log no more of what storage says than its code', async () => {
    const error = Object.assign(new Error('https://account/?sig=hunter2'), { statusCode: 403, code: 'AuthFailed' });
    const { response, body, logged } = await answer(() => Promise.reject(error));
    expect(response.status).toBe(503);
    expect(JSON.stringify([body, logged])).not.toContain('hunter2');
    expect(logged).toEqual([expect.stringContaining('AuthFailed 403')]);
  });

  it('does not keep anybody waiting for ever', async () => {
    vi.useFakeTimers();
    const waiting = answer(() => new Promise(() => {}));
    await vi.advanceTimersByTimeAsync(60_000);
    expect((await waiting).response.status).toBe(503);
  });

  it('handles no request that it does not understand', async () => {
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
