import { readFile } from 'node:fs/promises';
import { decodeEvent, type RawEvent } from '../../../shared/events/index.ts';
import { toRawEvents } from '../../../shared/retry/index.ts';

/** An event of a file, with its type, device id and module id. The app can process the event. */
export interface FileEvent {
  readonly event: RawEvent;
  readonly type: string;
  readonly deviceId: string;
  readonly moduleId: string;
}

/**
 * Reads the events of a JSON file. The file holds one event or a list of events.
 * @throws An Error whose message is one line and names the file. If the app cannot process an event, the message also says which event and
 * why.
 */
export async function readEventFile(file: string): Promise<readonly FileEvent[]> {
  const events = toRawEvents(parse(await readFile(file, 'utf8'), file));
  if (events.length === 0) throw new Error(`${file} is an empty list: there is no event to replay.`);
  return events.map((event, index) => {
    const decoded = decodeEvent(event);
    if (decoded.type === 'ignored' || decoded.type === 'unusable') {
      const which = events.length === 1 ? 'this event' : `event ${index + 1} of ${events.length}`;
      throw new Error(`${file}: the app cannot process ${which}: ${decoded.reason}. Nothing was replayed.`);
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
