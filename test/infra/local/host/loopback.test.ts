import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { keepToLoopback } from '../../../../infra/local/host/loopback.ts';

let undo: () => void;
beforeEach(() => {
  undo = keepToLoopback();
});
afterEach(() => undo());

async function addressAfter(listen: (server: Server) => void): Promise<string> {
  const server = createServer();
  listen(server);
  await once(server, 'listening');
  const { address } = server.address() as AddressInfo;
  server.close();
  return address;
}

describe('a server in the function host', () => {
  it.each<[string, (server: Server) => void]>([
    ['nothing', (server) => server.listen()],
    ['a callback', (server) => server.listen(() => {})],
    ['a port', (server) => server.listen(0)],
    ['a port and a callback', (server) => server.listen(0, () => {})],
    ['options', (server) => server.listen({ port: 0 })],
  ])('that asks for %s listens on loopback', async (_, listen) => {
    expect(await addressAfter(listen)).toBe('127.0.0.1');
  });

  it('that asks for an address listens on it, and its callback is called', async () => {
    expect(await addressAfter((server) => server.listen(0, '0.0.0.0'))).toBe('0.0.0.0');
    expect(await addressAfter((server) => server.listen({ port: 0, host: '::1' }))).toBe('::1');
    const called = await new Promise<boolean>((resolve) => {
      const server = createServer().listen(0, () => server.close(() => resolve(true)));
    });
    expect(called).toBe(true);
  });
});
