const hour = 3_600_000;
const day = 24 * hour;

/**
 * The buckets of a summary: spans of time in whole hours (UTC), because the history is counted by such hours.
 *
 * Without a time zone, the buckets follow each other from the first hour of the summary. With a time zone, a bucket of whole days begins at local
 * midnight, and a bucket of hours that divide a day begins at a local hour that is a multiple of its length. A day on which the clocks change has
 * 23 or 25 hours. In a zone whose offset is no whole number of hours, a bucket begins with the first whole hour (UTC) after the local time: a day in
 * India begins at 00:30.
 */
export class Buckets {
  readonly #first: number;
  readonly #hours: number;
  readonly #clock: Intl.DateTimeFormat | undefined;
  /** The start of each bucket that was asked for, by its number in local time. */
  readonly #starts = new Map<number, number>();
  /** The number of the day, in local time, with which the first bucket of several days begins. */
  readonly #firstDay: number;

  /**
   * @param first The start of the first hour of the summary, in milliseconds since 1970.
   * @param hours Length of a bucket, in hours.
   * @param zone Name of a time zone, such as `Europe/Berlin`.
   */
  constructor(first: number, hours: number, zone?: string) {
    this.#first = first;
    this.#hours = hours;
    const isLocal = hours > 1 && (hours % 24 === 0 || 24 % hours === 0);
    this.#clock = zone === undefined || !isLocal ? undefined : localClock(zone);
    this.#firstDay = Math.floor(this.#localTime(first) / day);
  }

  /** The start of the bucket in which an hour lies, but at least the first hour. Both in milliseconds since 1970. */
  startOf(at: number): number {
    if (this.#clock === undefined) {
      const length = this.#hours * hour;
      return this.#first + Math.floor((at - this.#first) / length) * length;
    }
    const number = this.#numberOf(at);
    const known = this.#starts.get(number);
    if (known !== undefined) return known;
    // The offset from UTC may change within a bucket, so the guess may be wrong by some hours.
    const sinceStart = this.#localTime(at) - this.#localStart(number);
    let start = Math.ceil((at - sinceStart) / hour) * hour;
    while (this.#numberOf(start) < number) start += hour;
    while (this.#numberOf(start - hour) === number) start -= hour;
    start = Math.max(start, this.#first);
    this.#starts.set(number, start);
    return start;
  }

  /** The number of the bucket in which a time lies. Later buckets have larger numbers. */
  #numberOf(at: number): number {
    const local = this.#localTime(at);
    if (this.#hours < 24) return Math.floor(local / (this.#hours * hour));
    return Math.floor((Math.floor(local / day) - this.#firstDay) / (this.#hours / 24));
  }

  /** The local time at which a bucket begins. */
  #localStart(number: number): number {
    return this.#hours < 24 ? number * this.#hours * hour : (this.#firstDay + (number * this.#hours) / 24) * day;
  }

  /** The local time, as milliseconds between it and 1970 in the same zone. */
  #localTime(at: number): number {
    if (this.#clock === undefined) return at;
    const numbers = this.#clock
      .formatToParts(at)
      .flatMap(({ type, value }) => (type === 'literal' ? [] : Number(value)));
    const [year = 0, month = 1, date = 1, hours = 0, minutes = 0] = numbers;
    return Date.UTC(year, month - 1, date, hours, minutes);
  }
}

/**
 * Writes times of a zone as numbers: year, month, day, hour and minute.
 *
 * @throws {RangeError} when the zone does not exist.
 */
function localClock(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat('sv-SE', {
    ...{ timeZone, calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23' },
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  });
}
