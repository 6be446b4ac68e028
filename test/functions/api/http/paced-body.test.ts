import { channel } from 'node:diagnostics_channel';
import { EventEmitter, once } from 'node:events';
import { createServer, get, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { beforeAll, describe, expect, it } from 'vitest';
import { toPacedBody, watchResponses } from '../../../../functions/api/http/paced-body.ts';

beforeAll(watchResponses);

let invocations = 0;

/** An answer on its way, as the channel tells of it; nobody is at its other end. */
function startAnswer() {
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

/** Pieces without an end, and how far it has come with them. */
function endless() {
  const state = { asked: 0, ended: false };
  async function* pieces() {
    try {
      for (;;) yield `piece ${++state.asked}\n`;
    } finally {
      state.ended = true;
    }
  }
  return { state, pieces: pieces() };
}

const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
};

describe('a body in pieces', () => {
  it('asks for the next when the last has been taken, and not before', async () => {
    const { id, response } = startAnswer();
    const { state, pieces } = endless();
    const reader = toPacedBody(pieces, id).getReader();
    await turns();
    expect(state.asked).toBe(0);
    expect(String((await reader.read()).value)).toBe('piece 1\n');

    response.writableNeedDrain = true;
    const next = reader.read();
    await turns();
    expect(state.asked).toBe(1);
    response.writableNeedDrain = false;
    response.emit('drain');
    expect(String((await next).value)).toBe('piece 2\n');
  });

  it('ends its source when nobody is there any more', async () => {
    const { id, response } = startAnswer();
    const { state, pieces } = endless();
    const reader = toPacedBody(pieces, id).getReader();
    await reader.read();
    response.writableNeedDrain = true;
    const next = reader.read();
    response.destroy();
    expect(await next).toMatchObject({ done: true });
    expect(state).toEqual({ asked: 1, ended: true });
  });

  it('breaks the connection off when its source fails', async () => {
    const { id, response } = startAnswer();
    async function* failing() {
      yield 'first';
      throw new Error('storage is away');
    }
    const reader = toPacedBody(failing(), id).getReader();
    await reader.read();
    await expect(reader.read()).rejects.toThrow('storage is away');
    expect(response.destroyed).toBe(true);
  });

  it('comes whole without a connection to be heeded', async () => {
    async function* two() {
      yield 'one ';
      yield 'two';
    }
    expect(await new Response(toPacedBody(two(), 'unknown')).text()).toBe('one two');
  });

  it('is read no further than a real connection takes it, and not when that has gone', async () => {
    const asked: number[] = [];
    const ended = Promise.withResolvers<void>();
    async function* large() {
      try {
        for (let piece = 0; piece < 1000; piece++) {
          asked.push(piece);
          yield 'x'.repeat(1_000_000);
        }
      } finally {
        ended.resolve();
      }
    }
    const stalled = Promise.withResolvers<ServerResponse>();
    // As `@azure/functions` sends a stream: without waiting.
    const server = createServer(async (request, response) => {
      const body = toPacedBody(large(), String(request.headers['x-ms-invocation-id']));
      for await (const piece of body) if (!response.write(piece)) stalled.resolve(response);
      response.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const request = get({ port, host: '127.0.0.1', headers: { 'x-ms-invocation-id': 'real' } });
    const [answer] = (await once(request, 'response')) as [{ destroy(): void }];
    const response = await stalled.promise;
    await turns();
    expect(response.writableLength).toBeLessThan(3_000_000);
    expect(asked.length).toBeLessThan(100);
    answer.destroy();
    await ended.promise;
    expect(asked.length).toBeLessThan(100);
    await new Promise((resolve) => server.close(resolve));
  });
});
