/**
 * The types of the API's answers about the actions of operators, in the form of their JSON. This file imports nothing, because the dashboard's
 * page uses these types and is compiled for a browser.
 *
 * @module
 */

/** Who acted. See `Actor` in `shared/actions`. */
export type ActorAnswer =
  | { readonly type: 'user'; readonly name: string; readonly id: string }
  | { readonly type: 'key'; readonly key: 'none' | 'function' | 'master' }
  | { readonly type: 'commandLine'; readonly user: string; readonly host: string }
  | { readonly type: 'app' };

/** The fields of an action that the page shows. `GET /api/actions` returns more fields. */
export interface ShownAction {
  readonly at: string;
  readonly action: string;
  readonly by: ActorAnswer;
  readonly target: { readonly policy?: string; readonly deviceId?: string };
  /** Why. Empty when no reason was given. */
  readonly reason: string;
  readonly result: 'started' | 'done' | 'failed';
}

/** The part of the answer of `GET /api/actions` that the page shows, newest action first. The last page has no cursor. */
export interface ShownActions {
  readonly actions: readonly ShownAction[];
  readonly cursor?: string;
}
