import type { RawEvent } from '../events/index.ts';

/** The largest number of ids in one line of the log. */
const mostIds = 100;

/** The correlation ids that the hub gave to these events, each once, in the order of the events. */
export function correlationIdsOf(events: readonly RawEvent[]): readonly string[] {
  const ids = events.flatMap(({ systemProperties }) => {
    const id = systemProperties['correlation-id'];
    return typeof id === 'string' && id !== '' ? [id.slice(0, 128)] : [];
  });
  return [...new Set(ids)];
}

/**
 * Writes correlation ids as the end of a line of the log, such as ` Correlation ids: a, b.`. Whoever has the id of an event, for example from
 * a history row, finds the invocation by it. `''` without ids. An id has no line breaks and no quotes in the log, whatever the event says.
 */
export function correlationText(ids: readonly string[]): string {
  if (ids.length === 0) return '';
  const shown = ids.slice(0, mostIds).map((id) => id.replace(/[^\w.:-]/g, '?'));
  const rest = ids.length > mostIds ? ` and ${ids.length - mostIds} more` : '';
  return ` Correlation ${ids.length === 1 ? 'id' : 'ids'}: ${shown.join(', ')}${rest}.`;
}
