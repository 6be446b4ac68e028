import type { ActionLog, ActionRecord } from '../../actions/index.ts';
import { beginOf, dayAfter, dayOf, isIn, type Period } from './day.ts';
import { type ActionLine, actionLinesOf } from './lines.ts';

const actionsPerPage = 1000;

/**
 * Writes the lines of the actions for a day, newest action first: those that began or ended on that day. Also those that began or ended on the
 * day before and are not in its seal: the clock of an operator's machine can be wrong. Returns the number of lines.
 *
 * @param sealedBefore The lines in the seal of the day before. `undefined` when they are not known: then only the day itself is looked at.
 */
export async function sealActions(
  log: Pick<ActionLog, 'page'>,
  day: Period,
  sealedBefore: readonly ActionLine[] | undefined,
  writer: { add(line: object): Promise<void> },
): Promise<number> {
  const known = new Set(sealedBefore?.map(keyOf));
  const dayBefore = day.from === undefined ? undefined : beginOf(dayAfter(dayOf(day.from), -1));
  const wanted: Period = sealedBefore === undefined ? day : { from: dayBefore, to: day.to };
  let count = 0;
  for await (const action of actionsFrom(log, dayBefore, day.to)) {
    for (const line of actionLinesOf(action)) {
      if (!isIn(wanted, line.at) || known.has(keyOf(line))) continue;
      await writer.add(line);
      count++;
    }
  }
  return count;
}

async function* actionsFrom(
  log: Pick<ActionLog, 'page'>,
  from: string | undefined,
  to: string,
): AsyncGenerator<ActionRecord> {
  let cursor: string | undefined;
  do {
    const page = await log.page({ ...(from === undefined ? {} : { from }), to }, actionsPerPage, cursor);
    yield* page.actions;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

function keyOf({ event, id }: ActionLine): string {
  return `${event} ${id}`;
}
