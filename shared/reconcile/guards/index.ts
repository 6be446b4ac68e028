/**
 * What keeps Twinkeeper from running away: it leaves alone what the hub's own configurations set, stands down where somebody keeps
 * changing a property back, and limits how much a policy overwrites in an hour.
 *
 * @module
 */
import { type Guard, inTurn } from '../guard.ts';
import { type BlastRadiusParts, blastRadiusGuard } from './blast-radius.ts';
import { competingGuard } from './competing-configurations.ts';
import { contestedGuard } from './contested.ts';

export type { CompetingSetting } from '../../drift/index.ts';
export type { OverwriteLimit } from './blast-radius.ts';
export { competingSettings, describeCompeting } from './competing-settings.ts';

/**
 * All guards. Make them once for the app, not for each invocation: what they have read is kept between invocations, and passes that
 * run at the same time share their calls to storage. They throw when storage does not answer; the device is then deferred.
 */
export function createGuards(parts: BlastRadiusParts): Guard {
  // The limit comes last: what it lets through is counted, and nothing must keep that from being done any more.
  return inTurn([competingGuard(parts), contestedGuard(parts), blastRadiusGuard(parts)]);
}
