/**
 * One event from the Event Hubs trigger, before validation. The trigger delivers several events as parallel arrays, with one array for
 * each field. The caller makes one object of each event. Do not trust the content of any field.
 */
export interface RawEvent {
  /** The body of the event, parsed as JSON. A string when the body is not JSON. `undefined` or `null` when there is no body. */
  readonly body: unknown;
  /** The AMQP application properties of the event. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** The AMQP message annotations and standard properties of the event. Each key starts with a lower-case letter. */
  readonly systemProperties: Readonly<Record<string, unknown>>;
  /** Time at which the event hub received the event, ISO 8601. */
  readonly enqueuedTime?: string;
}
