import { type BlastRadiusDependencies, blastRadiusGuard } from './blast-radius.ts';
import { type CompetingDependencies, competingGuard } from './competing-configurations.ts';
import { contestedGuard } from './contested.ts';
import { combineGuards, type Guard } from './guard.ts';
import { recreatedModulesGuard } from './recreated-modules.ts';

/**
 * Creates one guard that combines all guards. Create it once for the app, not for each invocation. The guards cache the values that they
 * read, and passes that run at the same time share calls of storage. `review` throws when storage does not answer, and the device is then
 * deferred.
 */
export function createGuards(dependencies: BlastRadiusDependencies & CompetingDependencies): Guard {
  // The blast-radius guard comes last, because it counts each change that it allows. A later guard must not hold a counted change back.
  return combineGuards([
    competingGuard(dependencies),
    contestedGuard(dependencies),
    recreatedModulesGuard(dependencies),
    blastRadiusGuard(dependencies),
  ]);
}
