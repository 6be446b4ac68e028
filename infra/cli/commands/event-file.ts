import { readFile } from 'node:fs/promises';
import { decodeEvent, type RawEvent } from '../../../shared/events/index.ts';
import { toRawEvents } from '../../../shared/retry/index.ts';

/** An event that the app can work with, and what it is about. */
export interface FileEvent {
  readonly event: RawEvent;
  readonly type: string;
  readonly deviceId: string;
  readonly moduleId: string;
}

/** The events of a file: one, or a list. Throws, naming the file and the place in it, unless the app can work with every one of them. */
export async function readEventFile(file: string): Promise<readonly FileEvent[]> {
  const events = toRawEvents(parse(await readFile(file, 'utf8'), file));
  if (events.length === 0) throw new Error(`${file} is an empty list: there is no event to replay.`);
  return events.map((event, index) => {
    const decoded = decodeEvent(event);
    if (decoded.type === 'ignored' || decoded.type === 'unusable') {
      const which = events.length === 1 ? 'this event' : `event ${index + 1} of ${events.length}`;
      throw new Error(`${file}: the app could do nothing with ${which}: ${decoded.reason}. Nothing was replayed.`);
    }
    const { type, deviceId, moduleId } = decoded;
    return { event, type, deviceId, moduleId };
  });
}

function parse(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`${file} is not valid JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
