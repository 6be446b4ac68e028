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
