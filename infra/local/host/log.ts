/** The host's log. Each entry is one line on standard error: `time level function message`. */

/** The names of the log levels in the Functions runtime, from the lowest to the highest. */
const levels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;
export type LogLevel = (typeof levels)[number];

/** Writes one line, if the configured level allows this entry. `name` is the name of a function, or `host`. */
export type Log = (level: LogLevel, name: string, message: string) => void;

/**
 * Creates a log that follows `logging.logLevel` of host.json. For a function, the most specific of the categories `Function.NAME.User`,
 * `Function.NAME`, `Function` and `default` sets the lowest level that the log writes. For the host, the categories are `Host` and
 * `default`. Without any of these categories, the lowest level is `information`.
 * https://learn.microsoft.com/azure/azure-functions/configure-monitoring
 */
export function createLog(
  logLevel: Readonly<Record<string, string>> = {},
  write: (line: string) => void = (line) => process.stderr.write(line),
): Log {
  const lowest = (name: string): number => {
    const categories = name === 'host' ? ['Host'] : [`Function.${name}.User`, `Function.${name}`, 'Function'];
    const chosen = [...categories, 'default'].map((key) => logLevel[key]).find((level) => level !== undefined);
    const index = levels.indexOf((chosen ?? 'information').toLowerCase() as LogLevel);
    return index === -1 ? levels.indexOf('information') : index;
  };
  return (level, name, message) => {
    if (level === 'none' || levels.indexOf(level) < lowest(name)) return;
    write(`${new Date().toISOString()} ${level} ${name} ${message.trim().replaceAll(/\s*\n\s*/g, ' | ')}\n`);
  };
}

/**
 * Converts a thrown value to text. The text of an error is its stack, which begins with the message. Any other value is converted to a
 * string.
 */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
