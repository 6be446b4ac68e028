import { type BlastRadiusDependencies, blastRadiusGuard } from './blast-radius.ts';
import { competingGuard } from './competing-configurations.ts';
import { contestedGuard } from './contested.ts';
import { combineGuards, type Guard } from './guard.ts';

/**
 * All guards. Create them once for the app, not for each invocation: they cache what they read, and passes that run at the same time
 * share their storage calls. `review` throws when storage does not answer, and the device is then deferred.
 */
export function createGuards(dependencies: BlastRadiusDependencies): Guard {
  // The blast radius comes last, because it counts each change that it allows. No later guard may hold such a change back.
  return combineGuards([competingGuard(dependencies), contestedGuard(dependencies), blastRadiusGuard(dependencies)]);
}
