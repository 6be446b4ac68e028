/** The five tiles with numbers at the top of the page. */
import type { PolicyAnswer, SummaryAnswer } from '../../../api/history-answers.ts';
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

export function showTiles(summary: SummaryAnswer, policies: readonly PolicyAnswer[], open: OpenCount): void {
  const { p50, p99 } = summary.timeToEnforcedMs ?? {};
  const isWholeFleet = open.isFiltered;
  const tiles: readonly Tile[] = [
    { ...complianceTile(policies), isWholeFleet },
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

function complianceTile(policies: readonly PolicyAnswer[]): Tile {
  const label = 'Compliant now';
  const swept = policies.filter(({ devices }) => devices !== undefined);
  if (swept.length === 0) return { label, value: '–', note: 'known after the first sweep' };
  const devices = swept.reduce((sum, policy) => sum + (policy.devices ?? 0), 0);
  const compliant = swept.reduce((sum, policy) => sum + (policy.compliant ?? 0), 0);
  return {
    label,
    value: percent(compliant, devices),
    note: `${count(compliant)} of ${count(devices)}, over all policies`,
    grade: compliant === devices ? 'good' : 'warn',
  };
}

function openTile({ rows, isComplete, listed, text, devices, isFiltered, fleet }: OpenCount): Tile {
  const label = 'Out of line now';
  const inFleet = `whole fleet: ${count(fleet)}`;
  if (isFiltered && text === '0+') {
    return { label, value: '–', note: `none of the first ${count(listed)} rows matches these filters; ${inFleet}` };
  }
  if (isFiltered) {
    return { label, value: text, note: `with these filters; ${inFleet}`, grade: devices === 0 ? '' : 'warn' };
  }
  if (devices === 0 && isComplete) return { label, value: '0', note: 'all drift is repaired', grade: 'good' };
  const driftRows = `${isComplete ? '' : 'more than '}${counted(rows.length, 'drift row')}`;
  const noun = devices === 1 ? 'device' : 'devices';
  return { label, value: text, note: `${noun}, added up over policies; ${driftRows}`, grade: 'warn' };
}

function driftTile(summary: SummaryAnswer): Tile {
  const label = 'Drift found';
  if (!isCounted(summary)) return { label, value: '–', note: 'not counted yet' };
  const repaired = summary.buckets.reduce(
    (sum, { byOutcome }) => sum + (byOutcome.enforced ?? 0) + (byOutcome.created ?? 0),
    0,
  );
  const { total, incompleteBefore } = summary;
  const times = countedTime(summary);
  // With filters, the app counts a limited number of rows, the newest first.
  return incompleteBefore === undefined
    ? { label, value: count(total), note: `${count(repaired)} repaired, ${times}` }
    : {
        label,
        value: `${count(total)}+`,
        note: `complete only from ${moment(Date.parse(incompleteBefore))}; ${times}`,
      };
}
