/**
 * One event from the Event Hubs trigger, before validation. The trigger passes a batch as parallel arrays, and the caller combines
 * them. No field can be trusted.
 */
export interface RawEvent {
  /** Parsed JSON. A string when the body is not JSON. `undefined` or `null` when there is no body. */
  readonly body: unknown;
  /** AMQP application properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** AMQP message annotations and standard properties. Each key starts with a lower-case letter. */
  readonly systemProperties: Readonly<Record<string, unknown>>;
  /** Time at which the event hub received the event, ISO 8601. */
  readonly enqueuedTime?: string;
}
