/** The host's log on standard error. Each entry is one line: `time level function message`. */

/** The level names of the Functions runtime, the lowest first. */
const levels = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'] as const;
export type LogLevel = (typeof levels)[number];

/** Writes one line when the function's level allows it. `name` is the name of a function, or `host`. */
export type Log = (level: LogLevel, name: string, message: string) => void;

/**
 * A log that obeys `logging.logLevel` of host.json. The most specific of `Function.NAME.User`, `Function.NAME`, `Function` and `default`
 * decides (https://learn.microsoft.com/azure/azure-functions/configure-monitoring). Without any of them, the level is information.
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

/** A thrown value as text: the stack of an error, which begins with the message, or the value itself. */
export function describeError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
