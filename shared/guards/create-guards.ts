import { type BlastRadiusDependencies, blastRadiusGuard } from './blast-radius.ts';
import { competingGuard } from './competing-configurations.ts';
import { contestedGuard } from './contested.ts';
import { combineGuards, type Guard } from './guard.ts';

/**
 * All guards. Make them once for the app, not for each invocation: they keep between invocations what they have read, and passes that
 * run at the same time share their calls to storage. They throw when storage does not answer; the device is then deferred.
 */
export function createGuards(parts: BlastRadiusDependencies): Guard {
  // The limit comes last: it counts what it lets through, so nothing after it may hold a write back.
  return combineGuards([competingGuard(parts), contestedGuard(parts), blastRadiusGuard(parts)]);
}
