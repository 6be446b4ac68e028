/** The five tiles with numbers at the top of the page. */
import type { DriftCounts, FleetAnswer, ShownSweep, SummaryAnswer } from '../../../api/history-answers.ts';
import { count, counted, duration, el, find, moment, percent, refill } from '../markup/index.ts';
import { countedTime, isCounted } from './counted-time.ts';
import type { OpenCount } from './open-count.ts';

interface Tile {
  readonly label: string;
  readonly value: string;
  readonly note: string;
  readonly grade?: 'good' | 'warn' | '';
  /** True when the number is for the whole fleet although filters are set. The tile then shows the tag "whole fleet". */
  readonly isWholeFleet?: boolean;
}

export function showTiles(
  summary: SummaryAnswer,
  fleet: FleetAnswer,
  sweep: ShownSweep | undefined,
  open: OpenCount,
): void {
  const { p50, p99 } = summary.timeToEnforcedMs ?? {};
  const isWholeFleet = open.isFiltered;
  const tiles: readonly Tile[] = [
    { ...complianceTile(fleet, sweep), isWholeFleet },
    openTile(open),
    driftTile(summary),
    { label: 'Time to repair, median', value: duration(p50), note: 'half are faster' },
    { label: 'Time to repair, p99', value: duration(p99), note: '1 in 100 is slower' },
  ];
  refill(find('tiles'), tiles.map(describeTile));
}

function describeTile({ label, value, note, grade = '', isWholeFleet = false }: Tile): HTMLElement {
  return el(
    'div',
    { class: `tile ${grade}` },
    el('div', { class: 'tile-label' }, label, isWholeFleet && el('span', { class: 'tag' }, 'whole fleet')),
    el('div', { class: 'tile-value' }, value),
    el('div', { class: 'tile-note' }, note),
  );
}

function complianceTile({ devices, compliant, isExact }: FleetAnswer, sweep: ShownSweep | undefined): Tile {
  const label = 'Compliant now';
  if (devices === null || compliant === null) return { label, value: '–', note: 'not counted yet' };
  // Devices that wait in the queue of the sweep are not looked at yet.
  // Where no query can test the scope of a policy, the devices are too many.
  const isBound = isExact === false;
  const isWell = devices > 0 && compliant === devices && !isBound && (sweep?.waiting ?? 0) === 0;
  return {
    label,
    value: `${isBound ? '≤ ' : ''}${percent(compliant, devices)}`,
    note: `${isBound ? 'at most ' : ''}${count(compliant)} of ${count(devices)} devices keep to all policies`,
    grade: isWell ? 'good' : devices === 0 ? '' : 'warn',
  };
}

function openTile(open: OpenCount): Tile {
  const { rows, isComplete, listed, text, devices, isFiltered, fleet, isAddedUp, isLookedAt } = open;
  const label = 'Out of line now';
  const inFleet = `whole fleet: ${count(fleet)}`;
  if (isFiltered && text === '0+') {
    return { label, value: '–', note: `none of the first ${count(listed)} rows matches these filters; ${inFleet}` };
  }
  if (isFiltered) {
    return { label, value: text, note: `with these filters; ${inFleet}`, grade: devices === 0 ? '' : 'warn' };
  }
  if (devices === 0 && isComplete) {
    return isLookedAt
      ? { label, value: '0', note: 'all drift is repaired', grade: 'good' }
      : { label, value: '0', note: 'no sweep has looked at all policies yet' };
  }
  const driftRows = `${isComplete ? '' : 'more than '}${counted(rows.length, 'drift row')}`;
  const noun = devices === 1 ? 'device' : 'devices';
  return {
    label,
    value: text,
    note: `${noun}${isAddedUp ? ', added up over policies' : ''}; ${driftRows}`,
    grade: 'warn',
  };
}

function driftTile(summary: SummaryAnswer): Tile {
  if (!isCounted(summary)) return { label: 'Drift found', value: '–', note: 'not counted yet' };
  const { total, onboarding, incompleteBefore } = summary;
  const found = total - (onboarding?.total ?? 0);
  const repairedIn = ({ byOutcome }: Pick<DriftCounts, 'byOutcome'>) =>
    (byOutcome.enforced ?? 0) + (byOutcome.created ?? 0);
  const repaired =
    summary.buckets.reduce((sum, bucket) => sum + repairedIn(bucket), 0) -
    (onboarding === null ? 0 : repairedIn(onboarding));
  const times = countedTime(summary);
  const label = driftLabel(onboarding);
  // With filters, the app counts a limited number of rows, the newest first.
  return incompleteBefore === undefined
    ? { label, value: count(found), note: `${count(repaired)} repaired, ${times}` }
    : {
        label,
        value: `${count(found)}+`,
        note: `complete only from ${moment(Date.parse(incompleteBefore))}; ${times}`,
      };
}

/** The label of the tile. The first creation of modules on new devices, and their first baselines, are counted apart where they are known. */
function driftLabel(onboarding: DriftCounts | null): string {
  if (onboarding === null) return 'Drift found (with onboarding)';
  return onboarding.total === 0 ? 'Drift found' : `Drift found (+ ${count(onboarding.total)} onboarding)`;
}
