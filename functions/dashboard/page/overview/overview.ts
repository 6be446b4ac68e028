/** The upper half of the page: tiles, charts and lists, made from the summary, the policies and the open rows. */
import type { ShownActions } from '../../../api/action-answers.ts';
import type {
  DeadLettersPage,
  FleetAnswer,
  OpenPage,
  PolicyAnswer,
  ShownSweep,
  SummaryAnswer,
} from '../../../api/history-answers.ts';
import { el, fill, find, iso, skeletonLines, skeletonTile, time } from '../markup/index.ts';
import { go, type View, view } from '../view/index.ts';
import { showActions } from './actions.ts';
import { createComplianceChart } from './compliance-chart.ts';
import { showDeadLetters } from './dead-letters.ts';
import { createDepartureChart } from './departure-chart.ts';
import { showLastSweep } from './last-sweep.ts';
import { openCount } from './open-count.ts';
import { showOpenList } from './open-list.ts';
import { showPolicies } from './policy-table.ts';
import { showRankings } from './rankings.ts';
import { showTiles } from './tiles.ts';

/** The API's answers that the upper half of the page shows. */
export interface OverviewData {
  readonly summary: SummaryAnswer;
  readonly policies: readonly PolicyAnswer[];
  readonly fleet: FleetAnswer;
  readonly open: OpenPage;
  readonly deadLetters: DeadLettersPage;
  /** The newest actions of operators. */
  readonly actions: ShownActions;
  /** The newest sweep. `undefined` before the first sweep. */
  readonly sweep: ShownSweep | undefined;
  /** The length of one bucket of the summary, in hours. */
  readonly bucketHours: number;
}

interface Overview {
  show(data: OverviewData, shown: View): void;
  /** Shows or removes the note that the numbers are old. */
  markOld(isOld: boolean): void;
}

/** The lists of the overview, with the number of lines that they are likely to have. */
const skeletons = [
  ['policies', 2],
  ['open', 10],
  ['top-devices', 10],
  ['top-properties', 10],
] as const;

export function createOverview(): Overview {
  const departures = createDepartureChart();
  const compliance = createComplianceChart();
  let shownAt: number | undefined;
  fill(
    find('tiles'),
    Array.from({ length: 5 }, () => skeletonTile()),
  );
  for (const [id, lines] of skeletons) fill(find(id), skeletonLines(lines));
  // These lists can scroll, so the keyboard must be able to focus them.
  for (const id of ['open', 'dead-letters', 'actions']) {
    const list = find(id);
    list.setAttribute('tabindex', '0');
    list.setAttribute('role', 'region');
    list.setAttribute('aria-label', `List: ${find(`${id}-title`).textContent}`);
  }
  const splits = find('by').querySelectorAll('input');
  for (const input of splits) {
    input.checked = input.value === view().by;
    input.addEventListener('change', () => go({ by: input.value === 'policy' ? undefined : input.value }));
  }

  return {
    show({ summary, policies, fleet, open, sweep, deadLetters, actions, bucketHours }, shown) {
      shownAt = Date.now();
      for (const input of splits) input.checked = input.value === shown.by;
      // Compliance, actions and dead letters know at most the filter by policy. The tags "whole fleet" say where other filters do not count.
      const { policy: _, ...others } = shown.filters;
      const isPartlyFiltered = Object.keys(others).length > 0;
      for (const tag of document.querySelectorAll<HTMLElement>('.whole')) tag.hidden = !isPartlyFiltered;
      const counted = openCount(open, { policies, fleet }, shown.filters);
      showTiles(summary, fleet, sweep, counted);
      showPolicies(policies, shown.filters.policy);
      departures.show(summary, shown, bucketHours);
      compliance.show(summary, { policies, fleet }, shown, bucketHours);
      showOpenList(counted);
      showLastSweep(sweep);
      showRankings(summary);
      showDeadLetters(deadLetters);
      showActions(actions);
      document.title =
        counted.isFiltered || counted.devices === 0 ? 'Twinkeeper' : `${counted.text} out of line – Twinkeeper`;
    },
    markOld(isOld) {
      const isShown = isOld && shownAt !== undefined;
      find('main').classList.toggle('old', isShown);
      const note = find('old');
      note.hidden = !isShown;
      if (!isOld || shownAt === undefined) return;
      const next = el('span', {}, 'The numbers and charts are old. They are from ', time(iso(shownAt)), '.');
      // Screen readers read the note again whenever its text is set, so an unchanged text is not set again.
      if (note.textContent !== next.textContent) note.replaceChildren(...next.childNodes);
    },
  };
}
