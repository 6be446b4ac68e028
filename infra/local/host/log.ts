/** The host's log: one line an entry, `time level function message`, on standard error. */

/** As the Functions runtime names them, least first. */
const levels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;
export type LogLevel = (typeof levels)[number];

/** Writes one line when the level is enough for the function. `name` is a function's, or `host`. */
export type Log = (level: LogLevel, name: string, message: string) => void;

/**
 * A log that keeps to host.json's `logging.logLevel`: the most specific of `Function.NAME.User`, `Function.NAME`, `Function` and
 * `default` decides (https://learn.microsoft.com/azure/azure-functions/configure-monitoring). Default: information.
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

/** What a log needs of something thrown: its message and where it was thrown, or the thing itself. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
