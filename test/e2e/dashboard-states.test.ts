/**
 * Tests the dashboard with no data, with too much data, and without an answer of the API.
 */
import { describe, expect, it, vi } from 'vitest';
import type { DeadLettersPage, DeviceAnswer } from '../../functions/api/answers.ts';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { dashboardStage, historyOf, json, noSummary, row } from './dashboard-stage.ts';

const minute = 60_000;
const markup = '<img src=x onerror=alert(1)>';

describe.skipIf(isWithoutChromium)('the dashboard', () => {
  const stage = dashboardStage();

  it('shows that it is loading, and then that there is no drift', async () => {
    const waiting: (() => void)[] = [];
    stage.intercept = (path, _, response) => {
      if (path !== 'drift') return false;
      waiting.push(() => json(response, 200, { rows: [] }));
      return true;
    };
    await stage.open();
    await stage.page.locator('#rows', { hasText: 'Loading…' }).waitFor();
    await stage.page.locator('#departures', { hasText: 'There is no drift in this time range.' }).waitFor();
    await eventually(() => stage.text('#open')).toContain('All drift is repaired.');
    for (const answer of waiting) answer();
    await stage.page.locator('#rows', { hasText: 'There is no drift in this time range.' }).waitFor();
    await eventually(() => stage.page.locator('.loading').count()).toBe(0);
  });

  it('says what to do when no row matches the filters', async () => {
    await stage.open('&deviceId=nobody');
    await stage.page.locator('#rows', { hasText: 'Clear the filters, or choose a longer time range.' }).waitFor();
    await stage.page.getByRole('button', { name: 'Clear' }).click();
    await stage.page.locator('#rows', { hasText: 'There is no drift' }).waitFor();
    await eventually(() => new URL(stage.page.url()).search).toBe('?code=the+key');
  });

  it('shows dead letters and the events that were only counted, and hides the list when there are none', async () => {
    const at = new Date(Date.now() - 5 * minute).toISOString();
    await stage.open();
    await eventually(() => stage.text('#open')).toContain('All drift is repaired.');
    expect(await stage.page.locator('#dead-letters-card').isVisible()).toBe(false);
    stage.answers['dead-letters'] = {
      letters: [{ id: '1', at, reason: `given up ${markup}`, deviceId: 'pump' }],
      countedOnly: [{ fault: 'badBody', hour: at, count: 1234, firstAt: at, lastAt: at, reason: markup }],
    } satisfies DeadLettersPage;
    await stage.page.clock.runFor(30_000);
    const card = stage.page.locator('#dead-letters-card');
    await card.getByText('1,234 more unusable events (badBody), only counted').waitFor();
    await card.getByText(`given up ${markup}`).waitFor();
    await card.getByRole('link', { name: 'pump' }).waitFor();
    await eventually(() => card.locator('img').count()).toBe(0);
  });

  it('is a page that says what to do when its key is wrong, and opens with another key', async () => {
    stage.answers.drift = { rows: [row(1)] };
    await stage.open('&policy=agents', 'another');
    const locked = stage.page.getByRole('main', { name: 'The key is wrong' });
    await locked.getByText('The app refuses the function key in the address of this page.').waitFor();
    for (const part of ['#main', '#health', '#controls'])
      expect(await stage.page.locator(part).isVisible()).toBe(false);
    const before = stage.asked.length;
    await stage.page.clock.runFor(120_000);
    expect(stage.asked.length).toBe(before);
    await locked.getByLabel('Function key').fill('the key');
    await stage.page.keyboard.press('Enter');
    await stage.page.locator('#rows', { hasText: 'device-1' }).waitFor();
    expect(new URL(stage.page.url()).search).toBe('?code=the+key&policy=agents');
  });

  it('says that its address has no key', async () => {
    await stage.open('', '');
    await stage.page.getByRole('main', { name: 'This page needs a key' }).waitFor();
  });

  it('shows the error that the API returns for a filter', async () => {
    const problem = { type: 'about:blank', title: 'Bad parameter', status: 400, detail: 'deviceId must be an id.' };
    stage.intercept = (path, query, response) => {
      if (path !== 'drift' || !query.has('deviceId')) return false;
      json(response, 400, problem, 'application/problem+json');
      return true;
    };
    await stage.open(`&deviceId=${encodeURIComponent(markup)}`);
    await stage.page.getByRole('alert').getByText('deviceId must be an id. Change the filters').waitFor();
    await stage.page.locator('#state', { hasText: 'Stopped' }).waitFor();
    const before = stage.asked.length;
    await stage.page.clock.runFor(120_000);
    expect(stage.asked.length).toBe(before);
    await stage.page.getByRole('button', { name: 'Clear' }).click();
    await stage.page.locator('#state', { hasText: 'Live' }).waitFor();
    await eventually(() => stage.page.getByRole('alert').count()).toBe(0);
  });

  it('tries again automatically, and keeps its rows until then', async () => {
    stage.answers.drift = { rows: [row(1)] };
    await stage.open();
    await stage.page.locator('#rows', { hasText: 'device-1' }).waitFor();
    stage.intercept = (_, __, response) => {
      response.destroy();
      return true;
    };
    await stage.page.clock.runFor(5_000);
    await stage.page.getByRole('alert').getByText('The app cannot be reached.').waitFor();
    await eventually(() => stage.text('#state')).toMatch(/^Trying again in \d+ s$/);
    await eventually(() => stage.text('#rows')).toContain('device-1');
    stage.intercept = undefined;
    stage.answers.drift = { rows: [row(2), row(1)] };
    await stage.page.clock.runFor(35_000);
    await stage.page.locator('#rows', { hasText: 'device-2' }).waitFor();
    await stage.page.getByRole('alert').waitFor({ state: 'hidden' });
  });

  it('marks its numbers as old while the app does not answer', async () => {
    stage.answers.policies = {
      policies: [{ name: 'agents', module: 'agent', mode: 'enforce', openDevices: 0, devices: 9, compliant: 9 }],
    };
    await stage.open();
    const tile = stage.page.locator('.tile', { hasText: 'Out of line now' });
    await tile.getByText('all drift is repaired').waitFor();
    const colour = () => inPage(stage.page, 'getComputedStyle(document.querySelector(".tile.good .tile-value")).color');
    const whenFresh = await colour();
    stage.intercept = (_, __, response) => {
      response.destroy();
      return true;
    };
    await stage.page.clock.runFor(5_000);
    await stage.page.getByText(/^The numbers and charts are old\. They are from \d\d:\d\d:\d\d\.$/).waitFor();
    await eventually(colour).not.toBe(whenFresh);
    stage.intercept = undefined;
    await stage.page.clock.runFor(35_000);
    await stage.page.getByText('The numbers and charts are old').waitFor({ state: 'hidden' });
    await eventually(colour).toBe(whenFresh);
  });

  it('shows all new rows and outcomes when more than one page arrives', async () => {
    const rows = Array.from({ length: 130 }, (_, index) => row(130 - index));
    stage.answers.drift = { rows: [row(1, { outcome: 'pending' })] };
    await stage.open();
    await stage.page.locator('#rows', { hasText: 'pending' }).waitFor();
    stage.intercept = historyOf(() => rows);
    await stage.page.clock.runFor(4_000);
    await stage.page.locator('#rows', { hasText: 'device-130' }).waitFor();
    await eventually(() => stage.page.locator('#rows a.device-link').allInnerTexts()).toEqual(
      rows.map(({ deviceId }) => deviceId),
    );
    await eventually(() => stage.text('#rows')).not.toContain('pending');
    await eventually(() => stage.text('#announce')).toBe(
      '129 new drift rows. Newest: wrong value on device-130, enforced.',
    );
  });

  it('sends no request while it is paused', async () => {
    await stage.open();
    await stage.page.locator('#state', { hasText: 'Live' }).waitFor();
    const finished = stage.page.waitForResponse((response) => response.url().includes('/api/drift?'));
    await stage.page.getByRole('button', { name: 'Pause' }).click();
    await finished;
    await stage.page.locator('#state', { hasText: 'Paused' }).waitFor();
    const before = stage.asked.length;
    await stage.page.clock.runFor(60_000);
    expect(stage.asked.length).toBe(before);
    await stage.page.getByRole('button', { name: 'Resume' }).click();
    await stage.page.locator('#state', { hasText: 'Live' }).waitFor();
  });

  it('draws counts over time, describes them to screen readers, and zooms when the user drags', async () => {
    const hour = (before: number) => {
      const at = new Date(Date.now() - before * 60 * minute);
      at.setUTCMinutes(0, 0, 0);
      return at.toISOString();
    };
    const bucket = (before: number, total: number) => ({
      from: hour(before),
      total,
      byPolicy: { agents: total },
      byKind: { wrongValue: total - 1, missingModule: 1 },
      byOutcome: { enforced: total },
    });
    stage.answers.summary = { ...noSummary, total: 12, buckets: [bucket(9, 5), bucket(3, 7)] };
    await stage.open('&by=kind');
    const chart = stage.page.getByRole('img', {
      name: 'Drift over time: 12 rows; missing module 2, wrong value 10',
    });
    await chart.locator('canvas').waitFor();
    await stage.page.locator('#departures summary').click();
    const counts = async () => {
      const lines = await stage.page.locator('#departures table tbody tr').allInnerTexts();
      return lines.filter((line) => !/0\s+0$/.test(line)).map((line) => line.split('\t').slice(1));
    };
    await eventually(counts).toEqual([
      ['1', '4'],
      ['1', '6'],
    ]);
    // The page draws the chart again whenever it reads new numbers, which ends a drag. On a busy machine the chart also follows the mouse late, and
    // a button that goes up earlier ends a shorter selection. In both cases the test drags again.
    const drag = async () => {
      if (stage.page.url().includes('from=')) await stage.open('&by=kind');
      const box = await chart.locator('.u-over').boundingBox();
      if (box === null) throw new Error('The chart is not visible.');
      await stage.page.mouse.move(box.x + box.width / 4, box.y + 50);
      await stage.page.mouse.down();
      await stage.page.mouse.move(box.x + box.width / 2, box.y + 50, { steps: 4 });
      const selection = async () => (await chart.locator('.u-select').boundingBox())?.width ?? 0;
      const isWhole = await vi.waitUntil(async () => (await selection()) > box.width / 4 - 3, 5_000).catch(() => false);
      await stage.page.mouse.up();
      return isWhole && stage.page.url().includes('from=');
    };
    await expect.poll(drag, { timeout: 60_000 }).toBe(true);
    const { searchParams } = new URL(stage.page.url());
    const [from = 0, to = 0] = ['from', 'to'].map((name) => Date.parse(searchParams.get(name) ?? '') / minute / 60);
    // The drag covers a quarter of the 25 or 26 full hours that the last 24 hours touch. The page rounds the dragged time to full hours.
    expect([Number.isInteger(from), Number.isInteger(to)]).toEqual([true, true]);
    expect(to - from).toBeGreaterThanOrEqual(6);
    expect(to - from).toBeLessThanOrEqual(8);
    await eventually(() => stage.page.getByRole('combobox', { name: 'Time' }).inputValue()).toBe('custom');
  });

  it('compares a twin with its baseline, shows differences first, and compares objects line by line', async () => {
    const expected = { mode: 'auto', list: [1, 2], deep: { a: 1, b: 2 } };
    const actual = { deep: { b: 3, a: 1 }, mode: 'auto', list: [1, 2] };
    const wrong = row(1, { path: 'Section', expected, actual, outcome: 'heldBack', error: 'contested: told so' });
    const open_ = { ...wrong, why: { state: 'contested', reason: 'somebody keeps changing it back' } } as const;
    stage.answers['devices/device-1'] = {
      deviceId: 'device-1',
      exists: true,
      edge: false,
      tags: { site: markup },
      at: new Date().toISOString(),
      policies: ['agents'],
      modules: [
        {
          moduleId: 'agent',
          exists: true,
          policies: ['agents'],
          properties: [
            { policy: 'agents', path: 'Fine', rule: 'exactly 1', expected: 1, actual: 1, ok: true },
            {
              policy: 'agents',
              path: 'Wrong',
              rule: 'exactly 30',
              expected: 30,
              actual: markup,
              ok: false,
              kind: 'wrongValue',
            },
          ],
        },
      ],
      open: [open_],
      rows: [wrong],
      verified: [],
    } satisfies DeviceAnswer;
    stage.answers.drift = { rows: [wrong] };
    stage.answers['drift/open'] = { rows: [open_] };
    await stage.open('&view=device&of=device-1');
    const dialog = stage.page.getByRole('dialog', { name: 'Device device-1' });
    await dialog.getByText('1 property out of line').waitFor();
    await eventually(() => dialog.locator('.facts').innerText()).toMatch(/Last looked at\s+never/);
    await eventually(() => dialog.getByRole('row', { name: /^Wrong/ }).innerText()).toContain(`"${markup}"`);
    await eventually(() => dialog.getByRole('row', { name: /^Fine/ }).count()).toBe(0);
    await dialog.getByText('somebody keeps changing it back').waitFor();
    await dialog.getByRole('link', { name: 'Section' }).first().click();
    await eventually(() => stage.page.locator('dialog mark').allInnerTexts()).toEqual(['+     "b": 2', '−     "b": 3']);
    await stage.page.getByRole('dialog').getByText('contested: told so').waitFor();
  });

  it('keeps the focus while numbers change, and closes a dialog before it follows a link', async () => {
    const device = (count: number) => ({
      topDevices: [
        { deviceId: 'pump', count },
        { deviceId: 'valve', count: 1 },
      ],
    });
    stage.answers.summary = { ...noSummary, ...device(2) };
    stage.answers.policies = { policies: [{ name: 'agents', module: 'agent', mode: 'enforce', openDevices: 0 }] };
    stage.answers['devices/pump'] = {
      deviceId: 'pump',
      exists: false,
      edge: false,
      tags: {},
      at: '',
      policies: [],
      modules: [],
      open: [],
      rows: [],
    };
    await stage.open('&view=device&of=pump');
    await stage.page.locator('#top-devices', { hasText: 'valve' }).waitFor();
    await stage.page.keyboard.press('Escape');
    await stage.page.getByRole('dialog').waitFor({ state: 'hidden' });
    await stage.page.locator('#policies').getByRole('link', { name: 'agents' }).click();
    await stage.page.waitForURL(/policy=agents/);
    await eventually(() => new URL(stage.page.url()).searchParams.get('view')).toBeNull();
    const link = stage.page.locator('#top-devices').getByRole('link', { name: 'pump' });
    await link.focus();
    stage.answers.summary = { ...noSummary, ...device(3) };
    await stage.page.clock.runFor(11_000);
    await stage.page.locator('#top-devices', { hasText: '3' }).waitFor();
    await eventually(() => link.evaluate((its) => its === its.ownerDocument.activeElement)).toBe(true);
  });
});
