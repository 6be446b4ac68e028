/** Reads what operators did while a row was open, for its timeline. */
import type { ShownAction } from '../../../api/action-answers.ts';
import type { DriftRow } from '../../../api/history-answers.ts';
import { appNow, ask } from '../api/index.ts';
import { iso } from '../markup/index.ts';

export interface RelatedActions {
  /** The actions on the row's policy, on its device, and on the whole app. */
  readonly actions: readonly ShownAction[];
  /** True when there were more actions in that time than one answer has. */
  readonly isCut: boolean;
}

const largestPage = 200;
const endOutcomes: ReadonlySet<string> = new Set(['created', 'enforced', 'healed', 'superseded', 'gone', 'retired']);

/**
 * Reads the newest actions between the detection of a row and its end.
 *
 * @throws {Problem} when the request fails.
 */
export async function readRelatedActions(row: DriftRow): Promise<RelatedActions> {
  const end = row.closedAt ?? (endOutcomes.has(row.outcome) ? row.outcomeAt : undefined);
  // The end is excluded, and an action can begin in the millisecond in which the row ends.
  const to = iso((end === undefined ? appNow() : Date.parse(end)) + 1000);
  const { actions, cursor } = await ask('actions', { from: row.detectedAt, to, limit: largestPage });
  const isRelated = ({ target: { policy, deviceId } }: ShownAction) =>
    (policy === undefined || policy === row.policy) && (deviceId === undefined || deviceId === row.deviceId);
  return { actions: actions.filter(isRelated), isCut: cursor !== undefined };
}
