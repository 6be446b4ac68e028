import type { LoggedEvent } from '../event-log.ts';

/**
 * The AMQP encoding of an event. Written out by hand because it is the inner loop of the endpoint: rhea's general encoder takes
 * several times as long. Types are those of AMQP 1.0 part 1; sections those of part 3.2.
 */

const section = {
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
};
const type = {
  null: 0x40,
  long: 0x81,
  timestamp: 0x83,
  binary: 0xb0,
  string8: 0xa1,
  symbol8: 0xa3,
  list: 0xd0,
  map: 0xd1,
};
/** From an 8-bit length to the same type with a 32-bit one. */
const wide = 0x10;

/** Bytes are collected here and copied out once an event is whole. One event is encoded at a time, so one buffer does. */
let scratch = Buffer.allocUnsafe(64 * 1024);
let end = 0;

/** Makes room for so many bytes, and for the few single bytes that may follow. */
function reserve(bytes: number): void {
  const needed = end + bytes + 64;
  if (needed <= scratch.length) return;
  const bigger = Buffer.allocUnsafe(Math.max(scratch.length * 2, needed));
  scratch.copy(bigger, 0, 0, end);
  scratch = bigger;
}

function byte(value: number): void {
  scratch[end++] = value;
}

function int64(typecode: number, value: number): void {
  reserve(9);
  byte(typecode);
  const high = Math.floor(value / 2 ** 32);
  end = scratch.writeInt32BE(high, end);
  end = scratch.writeUInt32BE(value - high * 2 ** 32, end);
}

/** `typecode8` is that of the short form, `string8` or `symbol8`. */
function text(typecode8: number, value: string): void {
  // No UTF-16 unit takes more than three bytes in UTF-8, so this many surely fit an 8-bit length.
  const short = value.length <= 85;
  reserve(5 + value.length * 3);
  byte(short ? typecode8 : typecode8 + wide);
  const start = end + (short ? 1 : 4);
  const length = scratch.write(value, start);
  if (short) scratch[end] = length;
  else scratch.writeUInt32BE(length, end);
  end = start + length;
}

function binary(value: string): void {
  reserve(5 + value.length * 3);
  byte(type.binary);
  const length = scratch.write(value, end + 4);
  scratch.writeUInt32BE(length, end);
  end += 4 + length;
}

function optionalText(typecode8: number, value: string | undefined): void {
  if (value === undefined || value === '') byte(type.null);
  else text(typecode8, value);
}

/** Opens a section that is a list or a map; `closeCompound` with the returned place fills in its size. */
function openCompound(code: number, typecode: number): number {
  reserve(12);
  byte(0x00);
  byte(0x53);
  byte(code);
  byte(typecode);
  end += 8;
  return end;
}

/** `count`: elements of a list, or keys and values of a map together. */
function closeCompound(start: number, count: number): void {
  scratch.writeUInt32BE(end - start + 4, start - 8);
  scratch.writeUInt32BE(count, start - 4);
}

function messageAnnotations(event: LoggedEvent): void {
  const start = openCompound(section.messageAnnotations, type.map);
  let count = 6;
  for (const [key, value] of Object.entries(event.annotations)) {
    text(type.symbol8, key);
    if (typeof value === 'string') text(type.string8, value);
    else int64(type.timestamp, value.getTime());
    count += 2;
  }
  text(type.symbol8, 'x-opt-sequence-number');
  int64(type.long, event.sequenceNumber);
  text(type.symbol8, 'x-opt-offset');
  text(type.string8, event.offset);
  text(type.symbol8, 'x-opt-enqueued-time');
  int64(type.timestamp, event.enqueuedTime.getTime());
  if (event.deviceId !== '') {
    text(type.symbol8, 'x-opt-partition-key');
    text(type.string8, event.deviceId);
    count += 2;
  }
  closeCompound(start, count);
}

/** message-id, user-id, to, subject, reply-to, correlation-id, content-type, content-encoding. */
function properties(event: LoggedEvent): void {
  const start = openCompound(section.properties, type.list);
  byte(type.null);
  if (event.userId === '') byte(type.null);
  else binary(event.userId);
  byte(type.null);
  byte(type.null);
  byte(type.null);
  optionalText(type.string8, event.correlationId);
  text(type.symbol8, 'application/json');
  text(type.symbol8, 'utf-8');
  closeCompound(start, 8);
}

function applicationProperties(event: LoggedEvent): void {
  const start = openCompound(section.applicationProperties, type.map);
  let count = 0;
  for (const [key, value] of Object.entries(event.applicationProperties)) {
    text(type.string8, key);
    text(type.string8, value);
    count += 2;
  }
  closeCompound(start, count);
}

/** What a receiver that tracks it is told with every event: how far the partition reached when the event was sent. */
function runtimeMetrics(last: LoggedEvent, now: number): void {
  const start = openCompound(section.deliveryAnnotations, type.map);
  text(type.symbol8, 'last_enqueued_sequence_number');
  int64(type.long, last.sequenceNumber);
  text(type.symbol8, 'last_enqueued_offset');
  text(type.string8, last.offset);
  text(type.symbol8, 'last_enqueued_time_utc');
  int64(type.timestamp, last.enqueuedTime.getTime());
  text(type.symbol8, 'runtime_info_retrieval_time_utc');
  int64(type.timestamp, now);
  closeCompound(start, 8);
}

/**
 * The whole message of an event, as Event Hubs sends it. `metrics`, where the receiver asked for it: the partition's last event, and
 * the time in milliseconds since 1970.
 */
export function encodeEvent(
  event: LoggedEvent,
  metrics?: { readonly last: LoggedEvent; readonly now: number },
): Buffer {
  end = 0;
  if (metrics !== undefined) runtimeMetrics(metrics.last, metrics.now);
  messageAnnotations(event);
  if (event.bareMessage !== undefined) return joined(event.bareMessage);
  properties(event);
  applicationProperties(event);
  reserve(8);
  byte(0x00);
  byte(0x53);
  byte(section.data);
  byte(type.binary);
  end = scratch.writeUInt32BE(event.body.length, end);
  return joined(event.body);
}

function joined(tail: Buffer): Buffer {
  const message = Buffer.allocUnsafe(end + tail.length);
  scratch.copy(message, 0, 0, end);
  tail.copy(message, end);
  return message;
}
