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

/** Lone surrogates have no UTF-8; anything that encodes them puts U+FFFD. */
const utf8 = (value: string) => Buffer.from(value).toString();
const values = <Value>(record: Readonly<Record<string, Value>>) =>
  Object.fromEntries(
    Object.entries(record).map(([key, value]) => [key, typeof value === 'string' ? utf8(value) : value]),
  );

test('what is encoded is what another AMQP implementation reads', () => {
  fc.assert(
    fc.property(event, (sent) => {
      const read = rhea.message.decode(encodeEvent(sent));
      expect(read.message_annotations).toEqual({
        ...values(sent.annotations),
        'x-opt-sequence-number': sent.sequenceNumber,
        'x-opt-offset': sent.offset,
        'x-opt-enqueued-time': sent.enqueuedTime,
        ...(sent.deviceId !== '' && { 'x-opt-partition-key': utf8(sent.deviceId) }),
      });
      expect(read.application_properties).toEqual(values(sent.applicationProperties));
      expect(read.correlation_id ?? '').toBe(utf8(sent.correlationId));
      expect(read.user_id?.toString() ?? '').toBe(utf8(sent.userId));
      expect(read.content_type).toBe('application/json');
      expect(read.content_encoding).toBe('utf-8');
      expect(read.body).toMatchObject({ typecode: 0x75 });
      expect(sent.body.equals(read.body.content)).toBe(true);
    }),
  );
});

test('an event that came over AMQP goes on with its own sections, and metrics with any', () => {
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
