/**
 * An event as the Event Hubs trigger hands it over, its parallel arrays put back together. All of it comes from outside: nothing
 * about its content is certain.
 */
export interface RawEvent {
  /** JSON-parsed where it parsed, a string where it did not, `undefined` or `null` where there was none. */
  readonly body: unknown;
  /** AMQP application properties. */
  readonly properties: Readonly<Record<string, unknown>>;
  /** AMQP message annotations and standard properties, each key's first letter in lower case. */
  readonly systemProperties: Readonly<Record<string, unknown>>;
  /** When the event hub took it, ISO 8601. */
  readonly enqueuedTime?: string;
}
