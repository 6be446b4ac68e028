/** The state of the history list on the page. */
import type { Filters } from '../view/index.ts';

/** The filters and the time range of the history list, ISO 8601. `to` is undefined when the list also shows new rows. */
export type Question = Filters & { readonly from: string; readonly to: string | undefined };

/** The state of the history list. No row is missing between the newest and the oldest row of the list. */
export interface List {
  readonly question: Question;
  readonly isFiltered: boolean;
  /** True when the list started again because there were too many new rows to add. */
  readonly isRestarted: boolean;
  looks: number;
  /** The list contains every row that was detected up to this time, in milliseconds since 1970, by the app's clock. */
  since: number;
  /** The cursor of the next page of older rows. Undefined when there is no further page. */
  older: string | undefined;
  /**
   * True when the search for older rows was ended early. It found fewer rows than one page of results, and part of the time range is not
   * searched yet.
   */
  isShort: boolean;
  /** True when the oldest rows were removed from the list, because the table keeps a limited number of lines. */
  isCut: boolean;
  /** True when the user has loaded older rows. The list then does not remove older rows. */
  isRead: boolean;
  /** True when new rows are not added, because adding them would remove older rows that the user loaded. */
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
