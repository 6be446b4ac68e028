import { competingSettings, describeCompeting } from '../guards/index.ts';
import { interruptedBy } from './interruption.ts';
import { longestReason, type Progress } from './progress.ts';
import type { SweepDependencies } from './sweep-dependencies.ts';

/** Competing settings named in a sweep's row: it must fit a table's cell. */
const toldSettings = 50;

/** Reads the hub's automatic configurations, and notes for the guards which of their settings compete with policies. */
export async function readConfigurations(
  { policies, guardStore, log }: SweepDependencies,
  progress: Progress,
): Promise<void> {
  const answer = await progress.hub.listConfigurations();
  if (!answer.ok) {
    // Without the right to read them, or on a hub that has none, there is nothing to compete.
    if (answer.problem.type !== 'refused') throw interruptedBy(answer.problem);
    log.warn(`The hub's automatic configurations cannot be read: ${answer.problem.message}`);
    return;
  }
  const settings = competingSettings(policies.all, answer.value);
  const competing = [...new Set(settings.map(describeCompeting))];
  const known = new Set((await guardStore.competing()).map(describeCompeting));
  await guardStore.putCompeting(settings);
  // Once: the row of every sweep names them, and so does the app's health.
  if (competing.some((sentence) => !known.has(sentence))) {
    log.warn(`Automatic configurations of the hub compete with policies: ${competing.join(' ')}`);
  }
  const told = competing.slice(0, toldSettings).map((sentence) => sentence.slice(0, longestReason));
  progress.row = { ...progress.row, competing: told };
}
