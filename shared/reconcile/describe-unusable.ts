import type { UnusableEvent } from '../retry/index.ts';

/**
 * Describes the unusable events of one batch in one line for the log. The line has the number of events of each fault, and one reason as an
 * example.
 *
 * @param stored Number of the events that were stored as dead letters.
 */
export function describeUnusable(unusable: readonly UnusableEvent[], stored: number): string {
  const byFault = [...Map.groupBy(unusable, ({ fault }) => fault)].map(
    ([fault, [first, ...more]]) => `${more.length + 1} × ${fault} (${first?.reason})`,
  );
  const isBindingBroken = unusable.some(({ fault }) => fault === 'noProperties');
  return (
    `${unusable.length} events could not be used: ${stored} are stored as dead letters, ${unusable.length - stored} are only counted. ` +
    `${byFault.join('; ')}.` +
    (isBindingBroken
      ? ' Check the route of the hub and the event hub binding: events without properties cannot be used.'
      : '')
  );
}
