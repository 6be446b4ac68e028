/**
 * The contests of the demo: somebody undoes the same repair again and again, until Twinkeeper stands down, which means that it holds the
 * next repair back. Each contest has a device of its own, because Twinkeeper counts the repairs before it stands down. Pure functions.
 */
import { type DriftRow, isOver } from '../../../shared/drift/index.ts';
import type { Device, Policy } from '../../../shared/policy/index.ts';
import { compareHistory } from './compare-history.ts';
import type { InjectedDeparture } from './departures.ts';
import { type Disturbance, disturb, flap } from './disturbance.ts';
import type { Random } from './random.ts';

export const CONTEST_KINDS = ['moduleWar', 'flappingProperty'] as const;

export type ContestKind = (typeof CONTEST_KINDS)[number];

export interface Contest {
  readonly kind: ContestKind;
  /**
   * Disturbances of the same property or module. Twinkeeper repairs the first ones, and holds back the repair of a later one. After that, a
   * module cannot be deleted again, and the remaining changes of a property are folded into the row that is held back.
   */
  readonly turns: readonly Disturbance[];
}

/** Number of repairs after which Twinkeeper stands down: re-creations of a module, or enforcements of a property. */
export const repairsBeforeStandDown = 5;

/**
 * Number of further deletions for a module war. After a lost answer, Twinkeeper's second try can create a module that somebody has deleted in the
 * meantime. The row of that deletion is then "healed", and does not count as a repair.
 */
const spareDeletions = 4;

/** Number of wrong writes to a contested property after Twinkeeper has stood down. */
const foldedWrites = 3;

/** Plans a contest. Returns `undefined` when the device's policies have no property or module for this kind. */
export function planContest(
  kind: ContestKind,
  device: Device,
  policies: readonly Policy[],
  random: Random,
): Contest | undefined {
  const count = repairsBeforeStandDown + 1;
  if (kind === 'flappingProperty') {
    const turns = flap(count + foldedWrites, device, policies, random);
    return turns && { kind, turns };
  }
  const deletion = disturb('moduleDeleted', device, policies, random);
  return deletion && { kind, turns: Array.from({ length: count + spareDeletions }, () => deletion) };
}

/**
 * How far Twinkeeper is with the departures of a contest. `waiting`: a departure has no row yet, or the newest row has no outcome yet.
 * `repaired`: the last departure is repaired. `standingDown`: a guard holds back the repair of the last departure, because somebody undoes
 * it again and again.
 */
export type ContestState = 'waiting' | 'repaired' | 'standingDown';

/**
 * The state of a contest. `caused` are all departures of the device so far, and `rows` all rows of the device.
 */
export function contestState(caused: readonly InjectedDeparture[], rows: readonly DriftRow[]): ContestState {
  const { recorded, unrecorded } = compareHistory(caused, rows);
  if (unrecorded.length > 0) return 'waiting';
  const open = recorded.filter(({ outcome }) => !isOver(outcome));
  if (open.length === 0) return 'repaired';
  return open.every(isStoodDown) ? 'standingDown' : 'waiting';
}

function isStoodDown({ outcome, error }: DriftRow): boolean {
  return outcome === 'heldBack' && error?.startsWith('contested: ') === true;
}
