/** What the page knows about a list of the history that has no gap. */
import type { Filters } from '../view/index.ts';

/** The rows that the list shows. `to` is undefined for a list that goes on. */
export type Question = Filters & { readonly from: string; readonly to: string | undefined };

/** The state of a list that has no gap. */
export interface List {
  readonly question: Question;
  readonly isFiltered: boolean;
  /** The list started again because too many rows had come. */
  readonly isRestarted: boolean;
  looks: number;
  /** Every row up to this time of the app, in milliseconds, is shown. */
  since: number;
  /** The place of the next older page. */
  older: string | undefined;
  /** The API stopped looking for older rows before a page was full. */
  isShort: boolean;
  /** The oldest rows were removed to make room. */
  isCut: boolean;
  /** The reader asked for older rows, which then stay. */
  isRead: boolean;
  /** New rows wait, because adding them would remove older ones. */
  isHeld: boolean;
}

export function newList(question: Question, isFiltered: boolean, isRestarted: boolean): List {
  return {
    question,
    isFiltered,
    isRestarted,
    looks: 0,
    since: 0,
    older: undefined,
    isShort: false,
    isCut: false,
    isRead: false,
    isHeld: false,
  };
}
