/**
 * The kinds of actions.
 *
 * - `release`: a policy may repair what guards held back
 * - `replay`: a dead letter, or the events of a file, are processed again
 * - `sweep`: a sweep starts
 * - `reconcile`: a device is checked and repaired
 * - `policy`: a policy is new, was changed or was taken out
 * - `mode`: the mode of a policy was changed
 */
export const actionKinds = ['release', 'replay', 'sweep', 'reconcile', 'policy', 'mode'] as const;

export type ActionKind = (typeof actionKinds)[number];

/**
 * Who acted. `user`: an operator whom the platform has authenticated. `key`: somebody with a key of the function app. The platform does not
 * tell which key it was, only which kind of key the request needed. `commandLine`: a user of the command with the storage account. The command
 * names its user and its host itself, so this is a statement and not a proof. `app`: the app has noticed the effect of a deployment or a setting,
 * and does not know who it was.
 */
export type Actor =
  | { readonly type: 'user'; readonly name: string; readonly id: string }
  | { readonly type: 'key'; readonly key: 'none' | 'function' | 'master' }
  | { readonly type: 'commandLine'; readonly user: string; readonly host: string }
  | { readonly type: 'app' };

/** The subject of an action. An action on the whole app has none of these fields. */
export interface ActionTarget {
  readonly policy?: string;
  readonly deviceId?: string;
  readonly deadLetterId?: string;
}

/** The record of one action. */
export interface ActionRecord {
  readonly v: 1;
  /** Ids of newer actions sort first. */
  readonly id: string;
  /** When the action began, ISO 8601. */
  readonly at: string;
  readonly action: ActionKind;
  readonly by: Actor;
  readonly target: ActionTarget;
  /** Why, in the words of the actor. `''` when the actor gave no reason. */
  readonly reason: string;
  /**
   * - `started`: the action runs, or its process died before the end. Then nobody knows how far the action came.
   * - `done`: the action has ended as `detail` says.
   * - `failed`: the action ended with an error. A part of its effects can exist.
   */
  readonly result: 'started' | 'done' | 'failed';
  /** What the action did, or the error. `''` while the result is `started`. */
  readonly detail: string;
  /** When the action ended, ISO 8601. Absent while the result is `started`. */
  readonly endedAt?: string;
  /** The version of the app or of the command that acted. */
  readonly appVersion: string;
}

/** An actor in few words. The result has no secret. */
export function describeActor(actor: Actor): string {
  if (actor.type === 'user') return `${actor.name} (${actor.id})`;
  if (actor.type === 'commandLine') return `${actor.user}@${actor.host}`;
  if (actor.type === 'app') return 'noticed by the app';
  return actor.key === 'none' ? 'no key' : `${actor.key} key`;
}

/** The subject of an action in few words. `''` when the action is about the whole app. */
export function describeTarget({ policy, deviceId, deadLetterId }: ActionTarget): string {
  const parts = [
    policy === undefined ? [] : `policy ${policy}`,
    deviceId === undefined ? [] : `device ${deviceId}`,
    deadLetterId === undefined ? [] : `dead letter ${deadLetterId}`,
  ];
  return parts.flat().join(', ');
}
