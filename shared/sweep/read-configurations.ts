import { competingSettings, describeCompeting } from '../guards/index.ts';
import { interruptedBy } from './interruption.ts';
import { longestReason, type Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';

/** The most competing settings that the row of a sweep names. The row must fit a table entity. */
const maxShownSettings = 50;

/** Reads the hub's automatic configurations, and stores for the guards which of their settings compete with policies. */
export async function readConfigurations(
  { policies, guardStore, log }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  const answer = await progress.hub.listConfigurations();
  if (!answer.ok) {
    // The app may lack the right to read configurations, or the hub's tier may have none. The sweep continues in both cases.
    if (answer.problem.type !== 'refused') throw interruptedBy(answer.problem);
    log.warn(`The hub's automatic configurations cannot be read: ${answer.problem.message}`);
    return;
  }
  const settings = competingSettings(policies.all, answer.value);
  const competing = [...new Set(settings.map(describeCompeting))];
  const known = new Set((await guardStore.competing()).map(describeCompeting));
  await guardStore.putCompeting(settings);
  // Warn only where a setting is new. The row of each sweep and the app's health keep naming the known ones.
  if (competing.some((sentence) => !known.has(sentence))) {
    log.warn(`Automatic configurations of the hub compete with policies: ${competing.join(' ')}`);
  }
  const shown = competing.slice(0, maxShownSettings).map((sentence) => sentence.slice(0, longestReason));
  progress.row = { ...progress.row, competing: shown };
}
