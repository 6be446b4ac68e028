/** Writes numbers for the user, in the format of the browser's language. */

const wholeNumber = new Intl.NumberFormat();

export function count(value: number): string {
  return wholeNumber.format(value);
}

/** A number with its noun in singular or plural, such as `1 device` or `2 devices`. */
export function counted(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`;
}

/** A share as a percentage, rounded down to a tenth, so `100 %` always means all. A dash when `whole` is 0. */
export function percent(part: number, whole: number): string {
  if (whole === 0) return '–';
  const share = Math.floor((1000 * part) / whole) / 10;
  return `${share.toFixed(share === 100 ? 0 : 1)} %`;
}

/** Writes a duration in its largest units, such as `850 ms`, `3.2 s` or `4 min 10 s`. Writes a dash when the duration is not known. */
export function duration(milliseconds: number | undefined): string {
  if (milliseconds === undefined || !Number.isFinite(milliseconds)) return '–';
  if (milliseconds < 1000) return `${Math.max(0, Math.round(milliseconds))} ms`;
  const seconds = milliseconds / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  const hours = seconds / 3600;
  return hours < 48
    ? `${Math.floor(hours)} h ${Math.floor((seconds / 60) % 60)} min`
    : `${Math.floor(hours / 24)} days`;
}
