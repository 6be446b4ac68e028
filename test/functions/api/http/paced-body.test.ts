import { channel } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { toPacedBody, watchResponses } from '../../../../functions/api/http/paced-body.ts';

beforeAll(watchResponses);
afterEach(() => void vi.useRealTimers());

let invocations = 0;

/** Announces an open HTTP response on the diagnostics channel, as Node.js does. No client reads this response. */
function startResponse() {
  const id = `invocation-${++invocations}`;
  const response = Object.assign(new EventEmitter(), {
    writableNeedDrain: false,
    destroyed: false,
    destroy() {
      response.destroyed = true;
      response.emit('close');
    },
  });
  channel('http.server.request.start').publish({ request: { headers: { 'x-ms-invocation-id': id } }, response });
  return { id, response };
}

/**
 * An endless source of text chunks. `state.read` is the number of chunks that were read. `state.ended` is true after the source was closed.
 */
function endless() {
  const state = { read: 0, ended: false };
  async function* chunks() {
    try {
      for (;;) yield `chunk ${++state.read}\n`;
    } finally {
      state.ended = true;
    }
  }
  return { state, chunks: chunks() };
}

/** Gives other code time to run: waits for twenty turns of the event loop. */
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a paced body', () => {
  it('reads the next chunk only after the client has taken the last one', async () => {
    const { id, response } = startResponse();
    const { state, chunks } = endless();
    const reader = toPacedBody(chunks, id).getReader();
    await turns();
    expect(state.read).toBe(0);
    expect(String((await reader.read()).value)).toBe('chunk 1\n');

    response.writableNeedDrain = true;
    const next = reader.read();
    await turns();
    expect(state.read).toBe(1);
    response.writableNeedDrain = false;
    response.emit('drain');
    expect(String((await next).value)).toBe('chunk 2\n');
  });

  it('ends its source when the client disconnects', async () => {
    const { id, response } = startResponse();
    const { state, chunks } = endless();
    const reader = toPacedBody(chunks, id).getReader();
    await reader.read();
    response.writableNeedDrain = true;
    const next = reader.read();
    response.destroy();
    expect(await next).toMatchObject({ done: true });
    expect(state).toEqual({ read: 1, ended: true });
  });

  it('closes the connection of a client that receives nothing for a minute, and says once that it has ended', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    const { id, response } = startResponse();
    const { state, chunks } = endless();
    let ends = 0;
    const reader = toPacedBody(chunks, id, () => ends++).getReader();
    await reader.read();
    response.writableNeedDrain = true;
    const next = reader.read();
    await vi.advanceTimersByTimeAsync(59_999);
    expect([response.destroyed, ends]).toEqual([false, 0]);
    await vi.advanceTimersByTimeAsync(1);
    expect(await next).toMatchObject({ done: true });
    expect([response.destroyed, state.ended, ends]).toEqual([true, true, 1]);
  });

  it('says that it has ended when the client disconnects before it reads anything', () => {
    const { id, response } = startResponse();
    let ends = 0;
    toPacedBody(endless().chunks, id, () => ends++);
    response.destroy();
    expect(ends).toBe(1);
  });

  it('closes the connection when its source fails', async () => {
    const { id, response } = startResponse();
    async function* failing() {
      yield 'first';
      throw new Error('storage is away');
    }
    const reader = toPacedBody(failing(), id).getReader();
    await reader.read();
    await expect(reader.read()).rejects.toThrow('storage is away');
    expect(response.destroyed).toBe(true);
  });

  it('sends all chunks when the invocation has no open response', async () => {
    async function* two() {
      yield 'one ';
      yield 'two';
    }
    expect(await new Response(toPacedBody(two(), 'unknown')).text()).toBe('one two');
  });

  it('reads only as much as a real connection takes, and stops when it is closed', async () => {
    const chunks: number[] = [];
    const ended = Promise.withResolvers<void>();
    async function* large() {
      try {
        for (let chunk = 0; chunk < 1000; chunk++) {
          chunks.push(chunk);
          yield 'x'.repeat(1_000_000);
        }
      } finally {
        ended.resolve();
      }
    }
    const stalled = Promise.withResolvers<ServerResponse>();
    // Like `@azure/functions`, this server sends the stream without waiting for the client.
    const server = createServer(async (request, response) => {
      const body = toPacedBody(large(), String(request.headers['x-ms-invocation-id']));
      for await (const chunk of body) if (!response.write(chunk)) stalled.resolve(response);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const request = get({ port, host: '127.0.0.1', headers: { 'x-ms-invocation-id': 'real' } });
    const [answer] = (await once(request, 'response')) as [{ destroy(): void }];
    const response = await stalled.promise;
    await turns();
    expect(response.writableLength).toBeLessThan(3_000_000);
    expect(chunks.length).toBeLessThan(100);
    answer.destroy();
    await ended.promise;
    expect(chunks.length).toBeLessThan(100);
    await new Promise((resolve) => server.close(resolve));
  });
});
