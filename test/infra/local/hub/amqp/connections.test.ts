import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { earliestEventPosition } from '@azure/event-hubs';
import { describe, expect, test } from 'vitest';
import { consumer, hubEvent, rawConnection, startEndpoint, subscribe, tickingLog } from './support.ts';

test.for<[string, string | Buffer]>([
  ['HTTP', 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'],
  ['another version of AMQP', Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')],
  ['a broken frame', Buffer.from('AMQP\x00\x01\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x77\xff', 'latin1')],
  [
    'a frame out of place',
    Buffer.from('AMQP\x00\x01\x00\x00\x00\x00\x00\x0c\x02\x00\x00\x00\x00\x53\x12\x45', 'latin1'),
  ],
])('a client that sends %s is disconnected, and other clients are not affected', async ([, bytes]) => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  const subscription = subscribe(consumer(endpoint), { startPosition: earliestEventPosition });
  const socket = connect({ port: endpoint.port, host: '127.0.0.1' });
  socket.resume().on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');

  log.append(hubEvent('a', 'still here'));
  expect(await subscription.received(1)).toHaveLength(1);
});

test('a silent client is disconnected, an idle client that sends empty frames is not', async () => {
  const log = tickingLog();
  // The client and the endpoint run in this process. With a shorter timeout, a busy machine could delay the frames of the idle client for
  // too long.
  const endpoint = await startEndpoint(log, { idleTimeoutMs: 2_000 });
  log.append(hubEvent('a', 'first'));
  const idle = consumer(endpoint);
  const subscription = subscribe(idle, { startPosition: earliestEventPosition, partitionId: log.partitionOf('a') });
  await subscription.received(1);
  const mute = connect({ port: endpoint.port, host: '127.0.0.1' });
  const silent = rawConnection(endpoint);
  await once(silent, 'connection_open');
  // From here on, the client `silent` sends nothing, not even empty frames.
  silent.socket.write = () => true;

  await Promise.all([once(silent.socket, 'close'), once(mute, 'close')]);

  log.append(hubEvent('a', 'second'));
  expect(await subscription.received(2)).toHaveLength(2);
});

describe('the start of an endpoint', () => {
  test('fails with EADDRINUSE on a port in use', async () => {
    const { port } = await startEndpoint(tickingLog());
    await expect(startEndpoint(tickingLog(), { port })).rejects.toMatchObject({ code: 'EADDRINUSE', port });
  });

  test('fails on a port in use on one loopback address, and frees the other address', async () => {
    const other = createServer().listen(0, '::1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await expect(startEndpoint(tickingLog(), { port })).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const retry = createServer().listen(port, '127.0.0.1');
    await once(retry, 'listening');
    retry.close();
    other.close();
  });
});

test('closing the endpoint ends every connection, even of clients that do not respond', async () => {
  const endpoint = await startEndpoint(tickingLog());
  const mute = connect({ port: endpoint.port, host: '127.0.0.1' }).resume();
  const deaf = rawConnection(endpoint);
  await once(deaf, 'connection_open');
  deaf.socket.pause();
  const gone = once(mute, 'close');

  await endpoint.close();

  await gone;
  deaf.socket.destroy();
  const refused = connect({ port: endpoint.port, host: '127.0.0.1' });
  await expect(once(refused, 'connect')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
});
