import fc from 'fast-check';
import rhea from 'rhea';
import { expect, test } from 'vitest';
import { encodeEvent } from '../../../../../infra/local/hub/amqp/encoding.ts';
import type { LoggedEvent } from '../../../../../infra/local/hub/event-log.ts';

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'binary', minLength: 80, maxLength: 400 }),
);
const symbol = fc.oneof(fc.string(), fc.string({ minLength: 80, maxLength: 300 })).filter((key) => key !== '__proto__');
const time = fc.date({ noInvalidDate: true });
const event: fc.Arbitrary<LoggedEvent> = fc.record({
  deviceId: text,
  body: fc.uint8Array({ maxLength: 100_000, size: 'max' }).map((bytes) => Buffer.from(bytes)),
  correlationId: text,
  userId: text,
  applicationProperties: fc.dictionary(symbol, text, { noNullPrototype: true }),
  annotations: fc.dictionary(symbol, fc.oneof(text, time), { noNullPrototype: true }),
  sequenceNumber: fc.maxSafeNat(),
  offset: fc.maxSafeNat().map(String),
  enqueuedTime: time,
});

/** Encodes a text as UTF-8 and decodes it again. This turns a lone surrogate into U+FFFD. */
const utf8 = (value: string) => Buffer.from(value).toString();
/** Encodes every text of a record as UTF-8 and decodes it again. */
const utf8Values = <Value>(record: Readonly<Record<string, Value>>) =>
  Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, typeof value === 'string' ? utf8(value) : value]),
  );

test('an encoded event is decoded by rhea without changes', () => {
  fc.assert(
    fc.property(event, (sent) => {
      const read = rhea.message.decode(encodeEvent(sent));
      expect(read.message_annotations).toEqual({
        ...utf8Values(sent.annotations),
        'x-opt-sequence-number': sent.sequenceNumber,
        'x-opt-offset': sent.offset,
        'x-opt-enqueued-time': sent.enqueuedTime,
        ...(sent.deviceId !== '' && { 'x-opt-partition-key': utf8(sent.deviceId) }),
      });
      expect(read.application_properties).toEqual(utf8Values(sent.applicationProperties));
      expect(read.correlation_id ?? '').toBe(utf8(sent.correlationId));
      expect(read.user_id?.toString() ?? '').toBe(utf8(sent.userId));
      expect(read.content_type).toBe('application/json');
      expect(read.content_encoding).toBe('utf-8');
      expect(read.body).toMatchObject({ typecode: 0x75 });
      expect(sent.body.equals(read.body.content)).toBe(true);
    }),
  );
});

test('an event from an AMQP client keeps its sections, and can have metrics', () => {
  const bareMessage = rhea.message.encode({ body: { any: 'value' }, subject: 'kept' });
  fc.assert(
    fc.property(event, event, time, (sent, last, now) => {
      const encoded = encodeEvent({ ...sent, bareMessage }, { last, now: now.getTime() });
      expect(rhea.message.decode(encoded)).toMatchObject({
        delivery_annotations: {
          last_enqueued_sequence_number: last.sequenceNumber,
          last_enqueued_offset: last.offset,
          last_enqueued_time_utc: last.enqueuedTime,
          runtime_info_retrieval_time_utc: now,
        },
        subject: 'kept',
        body: { any: 'value' },
      });
    }),
  );
});
