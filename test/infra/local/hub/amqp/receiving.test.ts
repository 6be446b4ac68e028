import { earliestEventPosition, latestEventPosition, type SubscribeOptions } from '@azure/event-hubs';
import { describe, expect, test, vi } from 'vitest';
import { consumer, hubEvent, startEndpoint, subscribe, tickingLog } from './support.ts';

const earliest = { startPosition: earliestEventPosition };

describe('an event', () => {
  test('arrives as IoT Hub sends it', async () => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    const applicationProperties = { hubName: 'a-hub', deviceId: 'plant 7/#?%é', opType: 'updateTwin' };
    const enqueued = new Date(Date.UTC(2024, 5, 1));
    const logged = log.append(
      hubEvent(
        'plant 7/#?%é',
        { version: 3 },
        {
          applicationProperties,
          annotations: { 'iothub-message-source': 'twinChangeEvents', 'iothub-enqueuedtime': enqueued },
        },
      ),
    );

    const [event] = await subscribe(consumer(endpoint), earliest).received(1);

    expect(event).toMatchObject({
      body: { version: 3 },
      properties: applicationProperties,
      sequenceNumber: 0,
      offset: '0',
      enqueuedTimeUtc: logged.enqueuedTime,
      partitionKey: 'plant 7/#?%é',
      correlationId: 'a-correlation',
      contentType: 'application/json',
    });
    expect(event?.systemProperties).toMatchObject({
      'iothub-message-source': 'twinChangeEvents',
      'iothub-enqueuedtime': enqueued.getTime(),
      contentEncoding: 'utf-8',
    });
    expect(Object.keys(event?.systemProperties ?? {})).toContain('userId');
  });

  test.for<[string, Buffer, unknown]>([
    ['empty', Buffer.alloc(0), Buffer.alloc(0)],
    ['not JSON', Buffer.from([0xff, 0x00, 0x7b]), Buffer.from([0xff, 0x00, 0x7b])],
    ['one MiB', Buffer.from(JSON.stringify('x'.repeat(1024 * 1024 - 2))), 'x'.repeat(1024 * 1024 - 2)],
  ])('with a body that is %s arrives whole, and so does the next event', async ([, body, expected]) => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    log.append(hubEvent('a', body));
    log.append(hubEvent('a', 'next'));

    const [event, next] = await subscribe(consumer(endpoint), earliest).received(2);

    expect(event?.body).toEqual(expected);
    expect(next?.body).toBe('next');
  });

  test('is pushed to a waiting receiver', async () => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    log.append(hubEvent('a', 'first'));
    const subscription = subscribe(consumer(endpoint), earliest);
    await subscription.received(1);

    log.append(hubEvent('a', 'second'));

    expect((await subscription.received(2)).map(({ body }) => body)).toEqual(['first', 'second']);
  });

  test('carries the last sequence number of the partition if the receiver tracks it', async () => {
    const log = tickingLog();
    const endpoint = await startEndpoint(log);
    for (let index = 0; index < 3; index += 1) log.append(hubEvent('a', index));
    const seen: unknown[] = [];
    const subscription = consumer(endpoint).subscribe(
      log.partitionOf('a'),
      {
        processEvents: async (_, context) => void seen.push(context.lastEnqueuedEventProperties?.sequenceNumber),
        processError: async () => {},
      },
      { ...earliest, trackLastEnqueuedEventProperties: true, maxWaitTimeInSeconds: 1 },
    );

    await vi.waitFor(() => expect(seen).toContain(2), 10_000);
    await subscription.close();
  });
});

describe('a receiver', () => {
  /** Appends four events with the bodies 0 to 3 to one partition. The events are one second apart. */
  async function fourEvents() {
    const log = tickingLog();
    const logged = [0, 1, 2, 3].map((index) => log.append(hubEvent('a', index)));
    const partitionId = log.partitionOf('a');
    const endpoint = await startEndpoint(log);
    const bodiesFrom = async (startPosition: SubscribeOptions['startPosition'], expected: number) => {
      const subscription = subscribe(consumer(endpoint), { partitionId, ...(startPosition && { startPosition }) });
      const events = await subscription.received(expected);
      return events.map(({ body }) => body);
    };
    return { log, logged, bodiesFrom, endpoint, partitionId };
  }

  test('starts with the first event at the earliest position', async () => {
    const { bodiesFrom } = await fourEvents();
    expect(await bodiesFrom(earliestEventPosition, 4)).toEqual([0, 1, 2, 3]);
  });

  test('starts after an offset, or at an inclusive offset', async () => {
    const { bodiesFrom, logged } = await fourEvents();
    const offset = logged[1]?.offset ?? '';
    expect(await bodiesFrom({ offset }, 2)).toEqual([2, 3]);
    expect(await bodiesFrom({ offset, isInclusive: true }, 3)).toEqual([1, 2, 3]);
  });

  test('starts after a sequence number, or at an inclusive one', async () => {
    const { bodiesFrom } = await fourEvents();
    expect(await bodiesFrom({ sequenceNumber: 1 }, 2)).toEqual([2, 3]);
    expect(await bodiesFrom({ sequenceNumber: 1, isInclusive: true }, 3)).toEqual([1, 2, 3]);
  });

  test('starts after a time', async () => {
    const { bodiesFrom, logged } = await fourEvents();
    const [, second] = logged;
    expect(await bodiesFrom({ enqueuedOn: second?.enqueuedTime ?? 0 }, 2)).toEqual([2, 3]);
    expect(await bodiesFrom({ enqueuedOn: (second?.enqueuedTime.getTime() ?? 0) - 1 }, 3)).toEqual([1, 2, 3]);
  });

  test('starts with the next new event at the latest position', async () => {
    const { log, endpoint, partitionId } = await fourEvents();
    const subscription = subscribe(consumer(endpoint), { partitionId, startPosition: latestEventPosition });

    // The SDK does not signal when the receiver is attached, so the test appends events until one event arrives.
    await vi.waitFor(() => {
      log.append(hubEvent('a', 'news'));
      expect(subscription.events.length).toBeGreaterThan(0);
    }, 10_000);

    expect(new Set(subscription.events.map(({ body }) => body))).toEqual(new Set(['news']));
  });

  test('is refused at a position past the end', async () => {
    const { endpoint, partitionId } = await fourEvents();
    for (const startPosition of [{ sequenceNumber: 17 }, { offset: '99999' }]) {
      const { failed } = subscribe(consumer(endpoint), { partitionId, startPosition });
      expect(await failed).toMatchObject({ code: 'ArgumentError', message: expect.stringContaining('is invalid') });
    }
  });
});
