/** The fields of an NCRONTAB expression: the least and the greatest number, and the names that can take the place of numbers. */
const fields = [
  { least: 0, most: 59 },
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31 },
  {
    least: 1,
    most: 12,
    names: 'JANUARY FEBRUARY MARCH APRIL MAY JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER',
  },
  { least: 0, most: 6, names: 'SUNDAY MONDAY TUESDAY WEDNESDAY THURSDAY FRIDAY SATURDAY' },
] as const;

type Field = (typeof fields)[number];

/**
 * Whether the runtime of Azure Functions can read a schedule: NCRONTAB of six fields, or of five without the seconds. The runtime does not
 * start a timer function whose schedule it cannot read, and no caller would notice. The rules are those of the library NCrontab.
 */
export function isNcrontab(text: string): boolean {
  const parts = text.trim().split(/\s+/);
  if (parts.length !== 5 && parts.length !== 6) return false;
  const expected = fields.slice(-parts.length);
  return parts.every((part, index) => part.split(',').every((item) => isItem(item, expected[index] as Field)));
}

/** Whether an item such as `*`, `5`, `1-5`, `MON-FRI` or one of them with a step such as `/15` fits the field. */
function isItem(item: string, field: Field): boolean {
  const [, from = '', to, step] = /^(\*|[0-9]+|[A-Za-z]+)(?:-([0-9]+|[A-Za-z]+))?(?:\/([0-9]+))?$/.exec(item) ?? [];
  if (step !== undefined && Number(step) === 0) return false;
  if (from === '*') return to === undefined;
  return [from, ...(to === undefined ? [] : [to])].every((value) => isValue(value, field));
}

function isValue(value: string, field: Field): boolean {
  if (/^\d+$/.test(value)) return Number(value) >= field.least && Number(value) <= field.most;
  const names = 'names' in field ? field.names.split(' ') : [];
  return value.length >= 3 && names.some((name) => name.startsWith(value.toUpperCase()));
}

/** Number of minutes that {@link longestGap} looks at: two months. */
const searchedMinutes = 62 * 1440;

/**
 * The longest time between two runs of a valid schedule, in minutes, over the two months after the start of 2024. Seconds do not count. A
 * schedule that runs less than twice in that time has a gap of two months.
 */
export function longestGap(schedule: string): number {
  const parts = schedule.trim().split(/\s+/).slice(-5);
  const [minutes, hours, days, months, weekdays] = parts.map((part, index) =>
    valuesOf(part, fields[index + 1] as Field),
  );
  let last: number | undefined;
  let longest = 0;
  for (let minute = 0; minute < searchedMinutes; minute++) {
    const at = new Date(Date.UTC(2024, 0, 1) + minute * 60_000);
    const isRun =
      minutes?.has(at.getUTCMinutes()) &&
      hours?.has(at.getUTCHours()) &&
      days?.has(at.getUTCDate()) &&
      months?.has(at.getUTCMonth() + 1) &&
      weekdays?.has(at.getUTCDay());
    if (isRun !== true) continue;
    if (last !== undefined) longest = Math.max(longest, minute - last);
    last = minute;
  }
  return longest === 0 ? searchedMinutes : longest;
}

/** The numbers that a part of a schedule allows. Names become numbers. */
function valuesOf(part: string, field: Field): ReadonlySet<number> {
  const values = new Set<number>();
  for (const item of part.split(',')) {
    const [, from = '', to, step] = /^(\*|[0-9]+|[A-Za-z]+)(?:-([0-9]+|[A-Za-z]+))?(?:\/([0-9]+))?$/.exec(item) ?? [];
    const begin = from === '*' ? field.least : numberOf(from, field);
    const end = from === '*' || (to === undefined && step !== undefined) ? field.most : numberOf(to ?? from, field);
    // NCrontab reads a range that is written backwards as the same range written forwards.
    const [first, last] = [Math.min(begin, end), Math.max(begin, end)];
    for (let value = first; value <= last; value += Number(step ?? 1)) values.add(value);
  }
  return values;
}

function numberOf(value: string, field: Field): number {
  if (/^\d+$/.test(value)) return Number(value);
  const names = 'names' in field ? field.names.split(' ') : [];
  return field.least + names.findIndex((name) => name.startsWith(value.toUpperCase()));
}
