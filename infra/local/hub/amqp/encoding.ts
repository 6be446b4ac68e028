import type { LoggedEvent } from '../event-log.ts';

/**
 * Encodes events as AMQP messages. This code runs for every event that the endpoint sends. rhea's general encoder is several times slower.
 *
 * The type codes are from part 1 of AMQP 1.0, and the section codes are from part 3.2.
 */

const sectionCode = {
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
};
const typeCode = {
  null: 0x40,
  long: 0x81,
  timestamp: 0x83,
  binary: 0xb0,
  string8: 0xa1,
  symbol8: 0xa3,
  list: 0xd0,
  map: 0xd1,
};
/** The code of a type with a 32-bit length is the code of the same type with an 8-bit length, plus this number. */
const longForm = 0x10;

/** The buffer in which a message is built. Encoding is synchronous, so all messages use the same buffer. */
let scratch = Buffer.allocUnsafe(64 * 1024);
/** Number of bytes that are already written to `scratch`. */
let end = 0;

/** Makes `scratch` large enough for `bytes` more bytes, plus 64 bytes for calls of `writeByte`, which does not enlarge the buffer. */
function reserve(bytes: number): void {
  const needed = end + bytes + 64;
  if (needed <= scratch.length) return;
  const bigger = Buffer.allocUnsafe(Math.max(scratch.length * 2, needed));
  scratch.copy(bigger, 0, 0, end);
  scratch = bigger;
}

function writeByte(value: number): void {
  scratch[end++] = value;
}

function writeInt64(typecode: number, value: number): void {
  reserve(9);
  writeByte(typecode);
  const high = Math.floor(value / 2 ** 32);
  end = scratch.writeInt32BE(high, end);
  end = scratch.writeUInt32BE(value - high * 2 ** 32, end);
}

/** Writes a text. `typecode8` is the type code for a text with an 8-bit length: `string8` or `symbol8`. */
function writeText(typecode8: number, value: string): void {
  // A UTF-16 unit takes at most three bytes in UTF-8, so a text of 85 units fits in 255 bytes.
  const short = value.length <= 85;
  reserve(5 + value.length * 3);
  writeByte(short ? typecode8 : typecode8 + longForm);
  const start = end + (short ? 1 : 4);
  const length = scratch.write(value, start);
  if (short) scratch[end] = length;
  else scratch.writeUInt32BE(length, end);
  end = start + length;
}

function writeBinary(value: string): void {
  reserve(5 + value.length * 3);
  writeByte(typeCode.binary);
  const length = scratch.write(value, end + 4);
  scratch.writeUInt32BE(length, end);
  end += 4 + length;
}

function writeOptionalText(typecode8: number, value: string | undefined): void {
  if (value === undefined || value === '') writeByte(typeCode.null);
  else writeText(typecode8, value);
}

/**
 * Starts a section that contains a list or a map. Returns the offset of the section's content. `closeCompound` needs this offset to write
 * the size.
 */
function openCompound(section: number, typecode: number): number {
  reserve(12);
  writeByte(0x00);
  writeByte(0x53);
  writeByte(section);
  writeByte(typecode);
  end += 8;
  return end;
}

/** Writes the size of a section. `count` is the number of elements in a list, or the number of keys and values together in a map. */
function closeCompound(start: number, count: number): void {
  scratch.writeUInt32BE(end - start + 4, start - 8);
  scratch.writeUInt32BE(count, start - 4);
}

function writeMessageAnnotations(event: LoggedEvent): void {
  const start = openCompound(sectionCode.messageAnnotations, typeCode.map);
  let count = 6;
  for (const [key, value] of Object.entries(event.annotations)) {
    writeText(typeCode.symbol8, key);
    if (typeof value === 'string') writeText(typeCode.string8, value);
    else writeInt64(typeCode.timestamp, value.getTime());
    count += 2;
  }
  writeText(typeCode.symbol8, 'x-opt-sequence-number');
  writeInt64(typeCode.long, event.sequenceNumber);
  writeText(typeCode.symbol8, 'x-opt-offset');
  writeText(typeCode.string8, event.offset);
  writeText(typeCode.symbol8, 'x-opt-enqueued-time');
  writeInt64(typeCode.timestamp, event.enqueuedTime.getTime());
  if (event.deviceId !== '') {
    writeText(typeCode.symbol8, 'x-opt-partition-key');
    writeText(typeCode.string8, event.deviceId);
    count += 2;
  }
  closeCompound(start, count);
}

/**
 * Writes the properties in the order of AMQP: message-id, user-id, to, subject, reply-to, correlation-id, content-type, content-encoding.
 */
function writeProperties(event: LoggedEvent): void {
  const start = openCompound(sectionCode.properties, typeCode.list);
  writeByte(typeCode.null);
  if (event.userId === '') writeByte(typeCode.null);
  else writeBinary(event.userId);
  writeByte(typeCode.null);
  writeByte(typeCode.null);
  writeByte(typeCode.null);
  writeOptionalText(typeCode.string8, event.correlationId);
  writeText(typeCode.symbol8, 'application/json');
  writeText(typeCode.symbol8, 'utf-8');
  closeCompound(start, 8);
}

function writeApplicationProperties(event: LoggedEvent): void {
  const start = openCompound(sectionCode.applicationProperties, typeCode.map);
  let count = 0;
  for (const [key, value] of Object.entries(event.applicationProperties)) {
    writeText(typeCode.string8, key);
    writeText(typeCode.string8, value);
    count += 2;
  }
  closeCompound(start, count);
}

/** Writes delivery annotations about the last event of the partition. Only receivers that asked for these annotations get them. */
function writeRuntimeMetrics(last: LoggedEvent, now: number): void {
  const start = openCompound(sectionCode.deliveryAnnotations, typeCode.map);
  writeText(typeCode.symbol8, 'last_enqueued_sequence_number');
  writeInt64(typeCode.long, last.sequenceNumber);
  writeText(typeCode.symbol8, 'last_enqueued_offset');
  writeText(typeCode.string8, last.offset);
  writeText(typeCode.symbol8, 'last_enqueued_time_utc');
  writeInt64(typeCode.timestamp, last.enqueuedTime.getTime());
  writeText(typeCode.symbol8, 'runtime_info_retrieval_time_utc');
  writeInt64(typeCode.timestamp, now);
  closeCompound(start, 8);
}

/**
 * Encodes an event as a complete AMQP message, as Event Hubs sends it. `metrics` contains the last event of the partition and the current
 * time in milliseconds since 1970. `metrics` is absent for a receiver that did not ask for this information.
 */
export function encodeEvent(
  event: LoggedEvent,
  metrics?: { readonly last: LoggedEvent; readonly now: number },
): Buffer {
  end = 0;
  if (metrics !== undefined) writeRuntimeMetrics(metrics.last, metrics.now);
  writeMessageAnnotations(event);
  if (event.bareMessage !== undefined) return withTail(event.bareMessage);
  writeProperties(event);
  writeApplicationProperties(event);
  reserve(8);
  writeByte(0x00);
  writeByte(0x53);
  writeByte(sectionCode.data);
  writeByte(typeCode.binary);
  end = scratch.writeUInt32BE(event.body.length, end);
  return withTail(event.body);
}

/** Returns a new buffer with the encoded bytes so far, followed by `tail`. */
function withTail(tail: Buffer): Buffer {
  const message = Buffer.allocUnsafe(end + tail.length);
  scratch.copy(message, 0, 0, end);
  tail.copy(message, end);
  return message;
}
