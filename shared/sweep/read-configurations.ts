import { competingSettings, describeCompeting } from '../guards/index.ts';
import { interruptedBy } from './interruption.ts';
import { longestReason, type Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';

/** Maximum number of competing settings in the row of a sweep. The row must fit in one table entity. */
const maxShownSettings = 50;

/** Reads the hub's automatic configurations. Stores their settings that compete with policies, because the guards need them. */
export async function readConfigurations(
  { policies, guardStore, log }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  const answer = await progress.hub.listConfigurations();
  if (!answer.ok) {
    // The app may have no permission to read configurations, or the hub's tier may have no configurations. The sweep continues in both
    // cases.
    if (answer.problem.type !== 'refused') throw interruptedBy(answer.problem);
    log.warn(`The hub's automatic configurations cannot be read: ${answer.problem.message}`);
    return;
  }
  const settings = competingSettings(policies.all, answer.value);
  const competing = [...new Set(settings.map(describeCompeting))];
  const known = new Set((await guardStore.competing()).map(describeCompeting));
  await guardStore.putCompeting(settings);
  // Log a warning only where a setting is new. The row of each sweep and the app's health report list the known settings too.
  if (competing.some((sentence) => !known.has(sentence))) {
    log.warn(`Automatic configurations of the hub compete with policies: ${competing.join(' ')}`);
  }
  const shown = competing.slice(0, maxShownSettings).map((sentence) => sentence.slice(0, longestReason));
  progress.row = { ...progress.row, competing: shown };
}
