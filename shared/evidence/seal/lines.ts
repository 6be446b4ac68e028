import type { ActionRecord } from '../../actions/index.ts';
import type { DriftRow, Transition } from '../../drift/index.ts';
import { lastBefore, transitionsIn, wasOpen } from './course.ts';
import { isIn, type Period } from './day.ts';

/** The fields of a row that say which departure it records. They never change. */
export type RowIdentity = Pick<
  DriftRow,
  'hub' | 'deviceId' | 'moduleId' | 'policy' | 'path' | 'kind' | 'rowKey' | 'detectedAt'
>;

/** What a row says now about its outcome. */
type Ending = Pick<DriftRow, 'outcome' | 'outcomeAt' | 'closedAt' | 'error'>;
/** The content of a row, without its outcomes. */
export type RowContent = Omit<DriftRow, keyof Ending | 'transitions'>;

/** A line of a file `rows`: a row to which something happened on the day, with its content at the time of the seal. */
export interface RowLine extends RowContent, Partial<Ending> {
  /** `new`: no earlier day has the row. */
  readonly seal: 'new' | 'changed';
  /**
   * Whether the drift was over at the end of the day, and still so at the time of the seal. The line then also has the last outcome. Such a row
   * does not change any more, except when it opens again.
   */
  readonly over: boolean;
}

/** A line of a file `transitions`: one thing that happened to a row on the day. */
export interface TransitionLine extends RowIdentity, Transition {}

/** A line of a file `open`: a row that was open at the end of the day, with its outcome then, and since when it had that outcome. */
export interface OpenLine extends RowIdentity {
  readonly outcome: Transition['outcome'];
  readonly since: string;
}

/** A line of a file `actions`: the begin or the end of an action. */
export type ActionLine =
  | ({ readonly event: 'began' } & Omit<ActionRecord, 'v' | 'result' | 'detail' | 'endedAt'>)
  | ({ readonly event: 'ended'; readonly id: string; readonly at: string } & Pick<ActionRecord, 'result' | 'detail'>);

/** The identity of a row. Pure. */
export function identityOf(row: RowIdentity): RowIdentity {
  const { hub, deviceId, moduleId, policy, path, kind, rowKey, detectedAt } = row;
  return { hub, deviceId, moduleId, policy, path, kind, rowKey, detectedAt };
}

/** The content of a row, without its course. The content of an open row also has no outcome. Pure. */
export function contentOf(row: DriftRow, over: boolean): RowContent & Partial<Ending> {
  const { transitions: _, ...whole } = row;
  if (over) return whole;
  const { outcome: __, outcomeAt: ___, closedAt: ____, error: _____, ...content } = whole;
  return content;
}

/** The lines of a row for a day. No lines when nothing happened to the row on that day. Pure. */
export function linesOf(
  row: DriftRow,
  day: Period,
): { readonly row: RowLine; readonly transitions: readonly TransitionLine[] } | undefined {
  const identity = identityOf(row);
  const happened = transitionsIn(row, day);
  const [first] = row.transitions ?? [];
  if (happened.length === 0 || first === undefined) return undefined;
  const transitions = happened.map(({ at, outcome, reason, by, times, lastAt, omitted }): TransitionLine => {
    // What happened again after the day is counted on that later day.
    const again = lastAt !== undefined && Date.parse(lastAt) < Date.parse(day.to);
    return {
      ...identity,
      ...{ at, outcome },
      ...(reason === undefined ? {} : { reason }),
      ...(by === undefined ? {} : { by }),
      ...(again && times !== undefined ? { times, lastAt } : {}),
      ...(omitted === undefined ? {} : { omitted }),
    };
  });
  const over = !wasOpen(row, day.to) && lastBefore(row, day.to) === row.transitions?.at(-1);
  return { row: { seal: isIn(day, first.at) ? 'new' : 'changed', over, ...contentOf(row, over) }, transitions };
}

/** The line of a row that was open at the end of a day. `undefined` when it was not. Pure. */
export function openLineOf(row: DriftRow, { to }: Period): OpenLine | undefined {
  const last = lastBefore(row, to);
  if (last === undefined || !wasOpen(row, to)) return undefined;
  return { ...identityOf(row), outcome: last.outcome, since: last.at };
}

/** The lines of an action. The end of an action that has not ended, or whose process died, has no line. Pure. */
export function actionLinesOf(action: ActionRecord): readonly ActionLine[] {
  const { v: _, result, detail, endedAt, ...began } = action;
  const ended = endedAt === undefined ? [] : [{ event: 'ended', id: action.id, at: endedAt, result, detail } as const];
  return [{ event: 'began', ...began }, ...ended];
}
