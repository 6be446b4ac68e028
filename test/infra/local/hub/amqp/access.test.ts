import { createHmac } from 'node:crypto';
import { connect } from 'node:net';
import { earliestEventPosition } from '@azure/event-hubs';
import { expect, onTestFinished, test, vi } from 'vitest';
import type { AmqpEndpoint } from '../../../../../infra/local/hub/amqp/index.ts';
import {
  answerTo,
  consumer,
  credentials,
  eventHubName,
  hubEvent,
  producer,
  rawConnection,
  startEndpoint,
  subscribe,
  tickingLog,
} from './support.ts';

const saslHeader = Buffer.from([...Buffer.from('AMQP'), 3, 1, 0, 0]);
const amqpHeader = Buffer.from([...Buffer.from('AMQP'), 0, 1, 0, 0]);

const unauthorized = { code: 'UnauthorizedError' };

/** Creates a connection string that contains a token instead of the key. The token is for `path`, and is valid for `seconds` seconds. */
function withToken({ port }: AmqpEndpoint, { path = '', seconds = 3600 } = {}) {
  const resource = encodeURIComponent(`sb://localhost:${port}/${path}`);
  const expiry = Math.floor(Date.now() / 1000) + seconds;
  const signature = createHmac('sha256', credentials.key).update(`${resource}\n${expiry}`).digest('base64');
  const token = `SharedAccessSignature sr=${resource}&sig=${encodeURIComponent(signature)}&se=${expiry}&skn=${credentials.keyName}`;
  return {
    connectionString: `Endpoint=sb://localhost:${port};SharedAccessSignature=${token};UseDevelopmentEmulator=true`,
  };
}

test('a wrong key or an unknown policy is unauthorized for readers, senders and management', async () => {
  const endpoint = await startEndpoint(tickingLog());
  const forgeries = [
    endpoint.connectionString.replace(credentials.key, 'd3Jvbmc='),
    endpoint.connectionString.replace(credentials.keyName, 'nobody'),
  ];
  for (const connectionString of forgeries) {
    await expect(consumer({ connectionString }).getEventHubProperties()).rejects.toMatchObject(unauthorized);
    await expect(producer({ connectionString }).sendBatch([{ body: 1 }])).rejects.toMatchObject(unauthorized);
    const { failed } = subscribe(consumer({ connectionString }), { partitionId: '0' });
    expect(await failed).toMatchObject(unauthorized);
  }
});

test('a token is valid for its path and all paths below, until it expires', async () => {
  const endpoint = await startEndpoint(tickingLog());
  const ask = (options: Parameters<typeof withToken>[1]) =>
    consumer(withToken(endpoint, options)).getEventHubProperties();

  for (const path of ['', eventHubName, `${eventHubName}/$management`]) {
    expect(await ask({ path })).toMatchObject({ name: eventHubName });
  }
  await expect(ask({ path: `${eventHubName}/ConsumerGroups/$Default` })).rejects.toMatchObject(unauthorized);
  await expect(ask({ path: 'local' })).rejects.toMatchObject({
    ...unauthorized,
    message: expect.stringContaining('InvalidAudience'),
  });
  await expect(ask({ seconds: -1 })).rejects.toMatchObject({
    ...unauthorized,
    message: expect.stringContaining('ExpiredToken'),
  });
});

test('a token that expires ends the receiver', async () => {
  const log = tickingLog();
  const endpoint = await startEndpoint(log);
  log.append(hubEvent('a', 'in time'));
  const { received, failed, events } = subscribe(consumer(withToken(endpoint, { seconds: 2 })), {
    startPosition: earliestEventPosition,
    partitionId: log.partitionOf('a'),
  });
  await received(1);
  let error: unknown;
  void failed.then((reason) => {
    error = reason;
  });

  await vi.waitFor(() => {
    log.append(hubEvent('a', 'later'));
    expect(error).toMatchObject(unauthorized);
  }, 10_000);

  expect(events.length).toBeLessThan(log.events(log.partitionOf('a')).length);
});

test('a link other than $cbs needs a token', async () => {
  const connection = rawConnection(await startEndpoint(tickingLog()));
  const source = `${eventHubName}/ConsumerGroups/$Default/Partitions/0`;
  expect(await answerTo(connection.open_receiver(source))).toBe('amqp:unauthorized-access');
  for (const address of [eventHubName, `${eventHubName}/Partitions/0`]) {
    expect(await answerTo(connection.open_sender(address))).toBe('amqp:unauthorized-access');
  }
  expect(await answerTo(connection.open_receiver('$cbs'))).toBe('open');
});

test('a request to $management brings its own token, as .NET clients do, or needs one put to $cbs before', async () => {
  const endpoint = await startEndpoint(tickingLog());
  const connection = rawConnection(endpoint);
  const receiver = connection.open_receiver({ source: '$management', target: 'answers', credit_window: 10 });
  expect(await answerTo(receiver)).toBe('open');
  const sender = connection.open_sender('$management');
  expect(await answerTo(sender)).toBe('open');
  const ask = (token?: string) => {
    sender.send({
      reply_to: 'answers',
      application_properties: {
        operation: 'READ',
        type: 'com.microsoft:eventhub',
        name: eventHubName,
        ...(token === undefined ? {} : { security_token: token }),
      },
      body: null,
    });
    return new Promise((resolve) =>
      receiver.once('message', ({ message }) => resolve(message?.application_properties?.['status-code'])),
    );
  };
  const token = /SharedAccessSignature=(SharedAccessSignature [^;]+)/.exec(withToken(endpoint).connectionString)?.[1];
  expect(await ask()).toBe(401);
  expect(await ask(token?.replace('sig=', 'sig=x'))).toBe(401);
  expect(await ask(token)).toBe(200);
});

test('a client may ask for the SASL mechanism MSSBCBS, as .NET clients do', async () => {
  const { port } = await startEndpoint(tickingLog());
  const socket = connect({ port, host: 'localhost' });
  onTestFinished(() => void socket.destroy());
  const received: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => received.push(chunk));
  const arrived = (bytes: Buffer) => vi.waitUntil(() => Buffer.concat(received).includes(bytes), 10_000);
  socket.write(saslHeader);
  await arrived(Buffer.from('MSSBCBS'));
  // sasl-init (AMQP part 5.3.3.2): a list with the one field `mechanism`, which is a symbol.
  socket.write(Buffer.from([0, 0, 0, 23, 2, 1, 0, 0, 0, 0x53, 0x41, 0xc0, 10, 1, 0xa3, 7, ...Buffer.from('MSSBCBS')]));
  // sasl-outcome with the code `ok`.
  await arrived(Buffer.from([0x53, 0x44]));
  socket.write(amqpHeader);
  await arrived(amqpHeader);
});

test('a link to an unknown address is not found', async () => {
  const connection = rawConnection(await startEndpoint(tickingLog()));
  for (const address of [
    '',
    'elsewhere/ConsumerGroups/$Default/Partitions/0',
    `${eventHubName}/ConsumerGroups/$Default`,
  ]) {
    expect(await answerTo(connection.open_receiver(address))).toBe('amqp:not-found');
  }
});

test('a partition that does not exist is not found', async () => {
  const { failed } = subscribe(consumer(await startEndpoint(tickingLog())), { partitionId: '4' });
  expect(await failed).toMatchObject({ code: 'MessagingEntityNotFoundError' });
});
