/**
 * A command of the Azure CLI as text for a POSIX shell. Options stand for `--name value`, in camel case. An array gives the option several
 * values. Quotes what a shell would change.
 */
export function az(command: string, options: Readonly<Record<string, string | readonly string[]>>): string {
  const words = Object.entries(options).flatMap(([name, value]) => [
    `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
    ...(typeof value === 'string' ? [value] : value).map(quoted),
  ]);
  return ['az', command, ...words].join(' ');
}

function quoted(value: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(value) ? value : `'${value.replaceAll("'", `'\\''`)}'`;
}
