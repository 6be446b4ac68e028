/** The dialog that shows one history row, one device, or the search for devices. */
import type { DriftRow } from '../../../api/history-answers.ts';
import { ask } from '../api/index.ts';
import { type Child, el, fill, find, foreign, type RowKey, refill, skeletonLines } from '../markup/index.ts';
import { go, noPanel, type Panel } from '../view/index.ts';
import { describeDevice, describeUnaddressable } from './device-details.ts';
import { describeError } from './error-text.ts';
import { showFinder } from './finder.ts';
import { type RelatedActions, readRelatedActions } from './related-actions.ts';
import { describeRow } from './row-details.ts';

interface Details {
  /** Opens the dialog with this content, replaces its content, or closes it when `panel` is undefined. */
  show(panel: Panel | undefined): void;
  /** Shows the open history row again when its outcome has changed. */
  refresh(): void;
}

/** Creates the dialog. `findRow` finds a history row among the rows that the page already shows. */
export function createDetails(findRow: (key: RowKey) => DriftRow | undefined): Details {
  const dialog = find('details', HTMLDialogElement);
  const title = find('details-title');
  const body = find('details-body');
  let shown: Panel | undefined;
  /** The history row that the dialog shows, and what operators did meanwhile. */
  let shownRow: DriftRow | undefined;
  let related: RelatedActions | 'unread' | undefined;

  find('close').addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    if (shown === undefined) return;
    shown = undefined;
    go(noPanel);
  });

  function open(panel: Panel, heading: Child): void {
    fill(title, heading);
    fill(body, skeletonLines(8));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    title.focus();
    shown = panel;
    shownRow = undefined;
    related = undefined;
  }

  async function load(panel: Panel, read: () => Promise<Child>): Promise<void> {
    try {
      const answer = await read();
      if (shown === panel) fill(body, answer);
    } catch (error) {
      if (shown !== panel) return;
      const again = el('button', { type: 'button' }, 'Try again');
      again.addEventListener('click', () => void load(panel, read));
      fill(body, describeError(error), again);
    }
  }

  function openRow(panel: Panel & { readonly type: 'row' }): void {
    open(panel, ['Drift on ', foreign(panel.deviceId, 128)]);
    void load(panel, async () => {
      const row = findRow(panel) ?? (await readRow(panel));
      if (shown === panel) void completeRow(panel, row);
      return describeRow(row, related);
    });
  }

  /** Shows a row again, with what operators did while it was open. */
  async function completeRow(panel: Panel, row: DriftRow): Promise<void> {
    shownRow = row;
    const read = await readRelatedActions(row).catch(() => 'unread' as const);
    if (shown !== panel || shownRow !== row) return;
    related = read;
    refill(body, describeRow(row, related));
  }

  function openDevice(panel: Panel & { readonly type: 'device' }): void {
    const { deviceId } = panel;
    open(panel, ['Device ', foreign(deviceId, 128)]);
    const read = async () =>
      describeDevice(await ask(`devices/${encodeURIComponent(deviceId)}`), () => void load(panel, read));
    // URLs treat the path parts `.` and `..` as folders, even when they are escaped. A device with such an id cannot be requested.
    if (['.', '..'].includes(deviceId)) fill(body, describeUnaddressable(deviceId));
    else void load(panel, read);
  }

  function openFinder(panel: Panel & { readonly type: 'find' }): void {
    open(panel, 'Find devices');
    showFinder(body, panel, () => shown === panel);
  }

  return {
    show(panel) {
      if (JSON.stringify(panel) === JSON.stringify(shown)) return;
      if (panel === undefined) {
        shown = undefined;
        dialog.close();
      } else if (panel.type === 'row') openRow(panel);
      else if (panel.type === 'find') openFinder(panel);
      else openDevice(panel);
    },
    refresh() {
      if (shown?.type !== 'row' || shownRow === undefined) return;
      const row = findRow(shown);
      const isSame = ({ outcome, outcomeAt, closedAt }: DriftRow) =>
        outcome === shownRow?.outcome && outcomeAt === shownRow.outcomeAt && closedAt === shownRow.closedAt;
      if (row === undefined || isSame(row)) return;
      refill(body, describeRow(row, related));
      void completeRow(shown, row);
    },
  };
}

/** Number of rows of the device, newest first, that are read to find one history row. */
const searched = 1000;

async function readRow({ deviceId, rowKey }: RowKey): Promise<DriftRow> {
  const isWanted = (row: DriftRow) => row.rowKey === rowKey;
  const { rows } = await ask('drift', { deviceId, limit: searched });
  const row = rows.find(isWanted) ?? (await ask('drift/open', { deviceId, limit: searched })).rows.find(isWanted);
  if (row === undefined)
    throw new Error(
      `The row was not found. It is not among the last ${searched} rows of its device, or retention has deleted it.`,
    );
  return row;
}
