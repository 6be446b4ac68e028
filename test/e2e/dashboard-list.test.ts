/**
 * Tests the list of history rows on the dashboard. However many rows arrive, and however slowly, the list leaves no row out without saying
 * so.
 */
import { describe, expect, it } from 'vitest';
import type { DriftRow } from '../../shared/drift/index.ts';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { dashboardStage, historyOf, json, row } from './dashboard-stage.ts';

const hour = 3_600_000;

describe.skipIf(isWithoutChromium)('the history list of the dashboard', { timeout: 90_000 }, () => {
  const stage = dashboardStage();

  /** Makes history rows that were detected 100 ms apart. The newest row has the highest number. */
  const many = (first: number, last: number): readonly DriftRow[] =>
    Array.from({ length: last - first + 1 }, (_, index) => {
      const number = first + index;
      return row(number, { detectedAt: new Date(begin + number * 100).toISOString() });
    });
  const begin = Date.now() - hour / 2;
  const shown = () =>
    inPage<readonly string[]>(
      stage.page,
      'Array.from(document.querySelectorAll("#rows a.device-link"), (link) => link.textContent)',
    );
  const names = (rows: readonly DriftRow[]) => rows.map(({ deviceId }) => deviceId).toReversed();
  const older = () => stage.page.getByRole('button', { name: 'Show older' });
  const says = (line: string) => stage.page.locator('#history', { hasText: line }).waitFor();

  async function showOlder(): Promise<void> {
    const before = (await shown()).length;
    await older().click();
    await stage.page.locator('#rows tr').nth(before).waitFor();
    await stage.page.locator('#more:not([disabled])').waitFor({ state: 'attached' });
  }

  it('shows all older rows, page by page', async () => {
    const rows = many(1, 130);
    stage.intercept = historyOf(() => rows);
    await stage.open();
    await stage.page.locator('#rows tr').nth(49).waitFor();
    await eventually(shown).toEqual(names(rows.slice(-50)));
    await eventually(() => stage.text('#history-count')).toBe('50+ shown');
    await showOlder();
    await eventually(shown).toEqual(names(rows));
    await eventually(() => older().count()).toBe(0);
    await eventually(() => stage.text('#history-count')).toBe('130 shown');
  });

  it('starts again at the newest row when too many rows arrive during a pause', async () => {
    let rows = many(1, 60);
    stage.intercept = historyOf(() => rows);
    await stage.open();
    await stage.page.locator('#rows', { hasText: 'device-60' }).waitFor();
    await stage.page.getByRole('button', { name: 'Pause' }).click();
    await stage.page.locator('#state', { hasText: 'Paused' }).waitFor();
    rows = many(1, 1400);
    await stage.page.getByRole('button', { name: 'Resume' }).click();
    await stage.page.locator('#rows', { hasText: 'device-1400' }).waitFor();
    await says('Many new rows have arrived, so the list starts again at the newest row.');
    await eventually(shown).toEqual(names(rows.slice(-50)));
    while ((await older().count()) > 0) await showOlder();
    await eventually(shown).toEqual(names(rows));
  });

  it('shows all rows that arrived during a short pause', async () => {
    let rows = many(1, 60);
    stage.intercept = historyOf(() => rows);
    await stage.open();
    await stage.page.locator('#rows', { hasText: 'device-60' }).waitFor();
    await stage.page.getByRole('button', { name: 'Pause' }).click();
    await stage.page.locator('#state', { hasText: 'Paused' }).waitFor();
    rows = many(1, 900);
    await stage.page.getByRole('button', { name: 'Resume' }).click();
    await stage.page.locator('#rows', { hasText: 'device-900' }).waitFor();
    await eventually(shown).toEqual(names(rows.slice(10)));
    await eventually(() => stage.text('#rows-note')).toBe('');
  });

  it('shows a new row of a device even when the API sorts the row last', async () => {
    const deviceId = 'pump';
    const known = many(1, 120).map((one) => ({ ...one, deviceId }));
    let late: readonly DriftRow[] = [];
    // Like the API, this answer sorts the rows of one device by the write. The time of the detection does not matter.
    stage.intercept = (path, query, response) => {
      if (path !== 'drift') return false;
      const fitting = [...known.toReversed(), ...late].filter(
        ({ detectedAt }) => detectedAt >= (query.get('from') ?? ''),
      );
      const start = Number(query.get('cursor') ?? 0);
      const end = start + Number(query.get('limit'));
      const next = end < fitting.length ? { cursor: String(end) } : {};
      json(response, 200, { rows: fitting.slice(start, end), ...next });
      return true;
    };
    await stage.open('&deviceId=pump');
    await stage.page.locator('#rows tr').nth(49).waitFor();
    late = [row(999, { deviceId, path: 'Found.By.Sweep', detectedAt: new Date().toISOString() })];
    await stage.page.clock.runFor(4_000);
    await stage.page.locator('#rows tr', { hasText: 'Found.By.Sweep' }).waitFor();
  });

  it('says when it is full, and links to the earlier rows', async () => {
    const rows = many(1, 2_300);
    stage.intercept = historyOf(() => rows);
    await stage.open();
    await stage.page.locator('#rows tr').nth(49).waitFor();
    while ((await older().count()) > 0) await showOlder();
    await eventually(shown).toEqual(names(rows.slice(-2000)));
    await says('The list is full: it shows 2,000 rows. To see more, open the rows up to');
    await stage.page.locator('#rows-note a').click();
    // The oldest row that was shown before, and the rows before it.
    await eventually(shown).toEqual(names(rows.slice(251, 301)));
    await eventually(() => older().count()).toBe(1);
  });

  it('holds new rows back while the user reads older rows in a full list', async () => {
    let rows = many(1, 2_300);
    stage.intercept = historyOf(() => rows);
    await stage.open();
    await stage.page.locator('#rows tr').nth(49).waitFor();
    while ((await older().count()) > 0) await showOlder();
    const before = await shown();
    rows = many(1, 2_310);
    await stage.page.clock.runFor(4_000);
    await says('New rows are waiting.');
    expect(await shown()).toEqual(before);
    await stage.page.getByRole('button', { name: 'Show the newest' }).click();
    await stage.page.locator('#rows', { hasText: 'device-2310' }).waitFor();
    await eventually(shown).toEqual(names(rows.slice(-50)));
    await stage.page.getByText('New rows are waiting').waitFor({ state: 'hidden' });
  });

  it('removes the oldest rows when new rows fill it, and says so', async () => {
    let last = 60;
    stage.intercept = historyOf(() => many(1, last));
    await stage.open();
    await stage.page.locator('#rows', { hasText: 'device-60' }).waitFor();
    for (const next of [1_000, 1_950, 2_100]) {
      last = next;
      await stage.page.clock.runFor(4_000);
      await stage.page.locator('#rows', { hasText: `device-${next}` }).waitFor();
    }
    await eventually(shown).toEqual(names(many(101, 2_100)));
    await says('The list is full: it shows 2,000 rows.');
    await eventually(() => older().count()).toBe(0);
  });

  it('continues a slow search automatically, and then shows a button to search further', async () => {
    const found = [[], [row(9)], [], [], [row(5)], [row(4)], [], [row(2)]];
    stage.intercept = (path, query, response) => {
      if (path !== 'drift') return false;
      // The page searches for new rows in a short time range. This answer has no new rows.
      if (Date.parse(query.get('from') ?? '') > Date.now() - 2 * hour) {
        json(response, 200, { rows: [] });
        return true;
      }
      const place = Number(query.get('cursor') ?? 0);
      json(response, 200, { rows: found[place], ...(place + 1 < found.length ? { cursor: String(place + 1) } : {}) });
      return true;
    };
    await stage.open('&kind=custom');
    const further = stage.page.getByRole('button', { name: 'Search further' });
    await further.waitFor();
    await says('A part of the time range has not been searched yet');
    await eventually(shown).toEqual(['device-9', 'device-5']);
    await further.click();
    await stage.page.locator('#rows', { hasText: 'device-2' }).waitFor();
    await eventually(shown).toEqual(['device-9', 'device-5', 'device-4', 'device-2']);
    await further.waitFor({ state: 'hidden' });
    await eventually(() => stage.text('#rows-note')).toBe('');
  });

  it('says that no row matches only after it has searched the whole time range', async () => {
    stage.intercept = (path, query, response) => {
      if (path !== 'drift') return false;
      const place = Number(query.get('cursor') ?? 0);
      json(response, 200, { rows: [], ...(place < 6 ? { cursor: String(place + 1) } : {}) });
      return true;
    };
    await stage.open('&kind=custom');
    const further = stage.page.getByRole('button', { name: 'Search further' });
    await further.waitFor();
    await eventually(() => stage.text('#rows')).toBe('No matching row has been found yet.');
    await further.click();
    await stage.page.locator('#rows', { hasText: 'No row matches these filters in this time range.' }).waitFor();
    await eventually(() => further.count()).toBe(0);
  });
});
