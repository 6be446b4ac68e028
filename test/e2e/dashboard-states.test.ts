/** The page by itself, as its sources are, before an API that answers whatever a test wants. */
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { dashboardPage } from '../../functions/api/dashboard/page.ts';
import type { DeviceAnswer, DriftPage, OpenPage, PoliciesAnswer, SummaryAnswer } from '../../functions/api/shapes.ts';
import { launchChromium } from '../../infra/chromium.ts';
import type { DriftRow } from '../../shared/drift/index.ts';
import { isWithoutChromium, type WatchedPage, watchedPage } from './browser.ts';

const minute = 60_000;
const markup = '<img src=x onerror=alert(1)>';

function row(number: number, more: Partial<DriftRow> = {}): DriftRow {
  const at = new Date(Date.now() - 30 * minute + number * 1000).toISOString();
  return {
    v: 1,
    hub: 'hub',
    rowKey: `row!${number}`,
    deviceId: `device-${number}`,
    moduleId: 'agent',
    policy: 'agents',
    path: 'Interval',
    kind: 'wrongValue',
    expected: 1,
    actual: 2,
    write: { version: 2, at, exact: true },
    mode: 'enforce',
    detectedAt: at,
    source: 'event',
    outcome: 'enforced',
    outcomeAt: at,
    ...more,
  };
}

const noSummary: SummaryAnswer = {
  from: new Date(Date.now() - 24 * 60 * minute).toISOString(),
  to: new Date().toISOString(),
  bucket: '1h',
  buckets: [],
  total: 0,
  topDevices: [],
  topProperties: [],
  compliance: [],
};

describe.skipIf(isWithoutChromium)('the dashboard', { timeout: 60_000 }, () => {
  let browser: Browser;
  let server: Server;
  let origin: string;
  let watched: WatchedPage;
  let page: Page;
  /** What each path below `/api/` answers, and whom it asked for. */
  let answers: Record<string, unknown>;
  let intercept: ((path: string, query: URLSearchParams, response: ServerResponse) => boolean) | undefined;
  let asked: string[];

  beforeAll(async () => {
    browser = await launchChromium();
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost');
      const path = url.pathname.replace('/api/', '');
      if (path === 'dashboard') {
        const { html, contentSecurityPolicy } = dashboardPage();
        const headers = {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': contentSecurityPolicy,
        };
        return response.writeHead(200, headers).end(html);
      }
      asked.push(path);
      if (intercept?.(path, url.searchParams, response)) return;
      if (request.headers['x-functions-key'] !== 'the key') return response.writeHead(401).end();
      return json(response, 200, answers[decodeURIComponent(path)]);
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  beforeEach(async () => {
    answers = {
      drift: { rows: [] } satisfies DriftPage,
      'drift/open': { rows: [] } satisfies OpenPage,
      policies: { policies: [] } satisfies PoliciesAnswer,
      summary: noSummary,
    };
    intercept = undefined;
    asked = [];
    watched = await watchedPage(browser, origin, { viewport: { width: 1200, height: 900 } });
    page = watched.page;
    await page.clock.install();
  });

  afterEach(async () => {
    await page.context().close();
    // A browser says itself when an answer is none.
    expect(watched.faults.filter((fault) => !fault.startsWith('Failed to load resource'))).toEqual([]);
  });

  const open = (query = '') => page.goto(`${origin}/api/dashboard?code=the+key${query}`);
  const text = (selector: string) => page.locator(selector).innerText();

  it('says that it loads, and then that there is nothing', async () => {
    const waiting: (() => void)[] = [];
    intercept = (path, _, response) => {
      if (path !== 'drift') return false;
      waiting.push(() => json(response, 200, { rows: [] }));
      return true;
    };
    await open();
    await page.locator('#rows', { hasText: 'Loading…' }).waitFor();
    await page.locator('#departures', { hasText: 'Nothing departed from its baseline in this time.' }).waitFor();
    expect(await text('#open')).toContain('everything that departed has been mended');
    for (const answer of waiting) answer();
    await page.locator('#rows', { hasText: 'Nothing has departed from its baseline in this time.' }).waitFor();
    expect(await page.locator('.loading').count()).toBe(0);
  });

  it('says what to do where nothing fits the filters', async () => {
    await open('&deviceId=nobody');
    await page.locator('#rows', { hasText: 'Clear the filters, or look at a longer time.' }).waitFor();
    await page.getByRole('button', { name: 'Clear' }).click();
    await page.locator('#rows', { hasText: 'Nothing has departed' }).waitFor();
    expect(new URL(page.url()).search).toBe('?code=the+key');
  });

  it('says what to do when its key opens nothing', async () => {
    await page.goto(`${origin}/api/dashboard?code=another`);
    const alert = page.getByRole('alert');
    await alert.getByText('Open the page again as /api/dashboard?code=KEY').waitFor();
    expect(await page.locator('.loading').count()).toBe(0);
  });

  it('repeats what the API says is wrong with a filter', async () => {
    const problem = { type: 'about:blank', title: 'Bad parameter', status: 400, detail: 'deviceId must be an id.' };
    intercept = (path, query, response) => {
      if (path !== 'drift' || !query.has('deviceId')) return false;
      json(response, 400, problem, 'application/problem+json');
      return true;
    };
    await open(`&deviceId=${encodeURIComponent(markup)}`);
    await page.getByRole('alert').getByText('deviceId must be an id. Change the filters').waitFor();
  });

  it('tries again by itself, and keeps what it has meanwhile', async () => {
    answers.drift = { rows: [row(1)] };
    await open();
    await page.locator('#rows', { hasText: 'device-1' }).waitFor();
    intercept = (_, __, response) => {
      response.destroy();
      return true;
    };
    await page.clock.runFor(5_000);
    await page.getByRole('alert').getByText('The app cannot be reached.').waitFor();
    expect(await text('#rows')).toContain('device-1');
    intercept = undefined;
    answers.drift = { rows: [row(2), row(1)] };
    await page.clock.runFor(35_000);
    await page.locator('#rows', { hasText: 'device-2' }).waitFor();
    await page.getByRole('alert').waitFor({ state: 'hidden' });
  });

  it('leaves no gap when more comes than fits a page, and follows outcomes', async () => {
    const rows = Array.from({ length: 130 }, (_, index) => row(130 - index));
    answers.drift = { rows: [row(1, { outcome: 'pending' })] };
    await open();
    await page.locator('#rows', { hasText: 'pending' }).waitFor();
    intercept = (path, query, response) => {
      if (path !== 'drift') return false;
      const from = Number(query.get('cursor') ?? 0);
      const to = from + Number(query.get('limit'));
      json(response, 200, { rows: rows.slice(from, to), ...(to < rows.length ? { cursor: String(to) } : {}) });
      return true;
    };
    await page.clock.runFor(4_000);
    await page.locator('#rows', { hasText: 'device-130' }).waitFor();
    expect(await page.locator('#rows a.device-link').allInnerTexts()).toEqual(rows.map(({ deviceId }) => deviceId));
    expect(await text('#rows')).not.toContain('pending');
    expect(await text('#announce')).toBe('129 new departures. Newest: wrong value on device-130, enforced.');
  });

  it('shows older rows when it is asked for them', async () => {
    intercept = (path, query, response) => {
      if (path !== 'drift') return false;
      json(response, 200, query.has('cursor') ? { rows: [row(1)] } : { rows: [row(2)], cursor: 'next' });
      return true;
    };
    await open();
    await page.getByRole('button', { name: 'Show older' }).click();
    await page.locator('#rows tr', { hasText: 'device-1' }).waitFor();
    expect(await page.getByRole('button', { name: 'Show older' }).count()).toBe(0);
  });

  it('asks nothing while it is paused', async () => {
    await open();
    await page.locator('#rows .empty:not(.loading)').waitFor();
    const finished = page.waitForResponse((response) => response.url().includes('/api/drift?'));
    await page.getByRole('button', { name: 'Pause' }).click();
    await finished;
    await page.locator('#state', { hasText: 'Paused' }).waitFor();
    const before = asked.length;
    await page.clock.runFor(60_000);
    expect(asked.length).toBe(before);
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.locator('#state', { hasText: 'Live' }).waitFor();
  });

  it('draws counts over time, tells them to those who cannot see, and zooms to where somebody drags', async () => {
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
    answers.summary = { ...noSummary, total: 12, buckets: [bucket(9, 5), bucket(3, 7)] };
    await open('&by=kind');
    const chart = page.getByRole('img', {
      name: 'Departures over time: 12 departures; missing module 2, wrong value 10',
    });
    await chart.locator('canvas').waitFor();
    await page.locator('#departures summary').click();
    const cells = await page.locator('#departures table tbody tr').allInnerTexts();
    expect(cells.filter((line) => !/0\s+0$/.test(line)).map((line) => line.split('\t').slice(1))).toEqual([
      ['1', '4'],
      ['1', '6'],
    ]);
    const box = await chart.locator('.u-over').boundingBox();
    if (box === null) throw new Error('The chart is not to be seen.');
    await page.mouse.move(box.x + box.width / 4, box.y + 50);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 2, box.y + 50, { steps: 4 });
    await page.mouse.up();
    await page.waitForURL(/from=/);
    const { searchParams } = new URL(page.url());
    const length = Date.parse(searchParams.get('to') ?? '') - Date.parse(searchParams.get('from') ?? '');
    expect(length / minute / 60).toBeGreaterThan(5);
    expect(length / minute / 60).toBeLessThan(7);
    expect(await page.getByRole('combobox', { name: 'Time' }).inputValue()).toBe('custom');
  });

  it('holds a twin against its baseline, what differs first, and objects line by line', async () => {
    const expected = { mode: 'auto', list: [1, 2], deep: { a: 1, b: 2 } };
    const actual = { deep: { b: 3, a: 1 }, mode: 'auto', list: [1, 2] };
    const wrong = row(1, { path: 'Section', expected, actual, outcome: 'heldBack', error: 'contested: told so' });
    const open_ = { ...wrong, why: { state: 'contested', reason: 'somebody keeps changing it back' } } as const;
    answers['devices/device-1'] = {
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
    } satisfies DeviceAnswer;
    answers.drift = { rows: [wrong] };
    answers['drift/open'] = { rows: [open_] };
    await open('&view=device&of=device-1');
    const dialog = page.getByRole('dialog', { name: 'Device device-1' });
    await dialog.getByText('1 property out of line').waitFor();
    expect(await dialog.getByRole('row', { name: /^Wrong/ }).innerText()).toContain(`"${markup}"`);
    expect(await dialog.getByRole('row', { name: /^Fine/ }).count()).toBe(0);
    await dialog.getByText('somebody keeps changing it back').waitFor();
    await dialog.getByRole('link', { name: 'Section' }).first().click();
    const marked = await page.locator('dialog mark').allInnerTexts();
    expect(marked).toEqual(['+     "b": 2', '−     "b": 3']);
    await page.getByRole('dialog').getByText('contested: told so').waitFor();
  });

  it('leaves the focus where it is while numbers change, and leads on from where one is', async () => {
    const device = (count: number) => ({
      topDevices: [
        { deviceId: 'pump', count },
        { deviceId: 'valve', count: 1 },
      ],
    });
    answers.summary = { ...noSummary, ...device(2) };
    answers.policies = { policies: [{ name: 'agents', module: 'agent', mode: 'enforce', openDevices: 0 }] };
    answers['devices/pump'] = {
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
    await open('&view=device&of=pump');
    await page.locator('#top-devices', { hasText: 'valve' }).waitFor();
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    await page.locator('#policies').getByRole('link', { name: 'agents' }).click();
    await page.waitForURL(/policy=agents/);
    expect(new URL(page.url()).searchParams.get('view')).toBeNull();
    const link = page.locator('#top-devices').getByRole('link', { name: 'pump' });
    await link.focus();
    answers.summary = { ...noSummary, ...device(3) };
    await page.clock.runFor(11_000);
    await page.locator('#top-devices', { hasText: '3' }).waitFor();
    expect(await link.evaluate((its) => its === its.ownerDocument.activeElement)).toBe(true);
  });

  it('takes nothing that the API says for markup, wherever it stands', async () => {
    const hostile = row(1, {
      deviceId: markup,
      moduleId: markup,
      policy: markup,
      path: markup,
      hub: markup,
      kind: markup as 'custom',
      outcome: markup as 'failed',
      expected: { [markup]: markup },
      actual: markup,
      error: markup,
      message: markup,
      correlationId: markup,
    });
    answers.drift = { rows: [hostile] };
    answers['drift/open'] = { rows: [{ ...hostile, why: { state: markup, reason: markup } }] };
    answers.policies = {
      policies: [{ name: markup, module: markup, mode: 'audit', openDevices: 1, devices: 2, compliant: 1 }],
    };
    const counts = { [markup]: 3 };
    answers.summary = {
      ...noSummary,
      total: 3,
      buckets: [
        {
          from: new Date(Date.now() - 60 * minute).toISOString(),
          total: 3,
          byPolicy: counts,
          byKind: counts,
          byOutcome: counts,
        },
      ],
      topDevices: [{ deviceId: markup, count: 3 }],
      topProperties: [{ policy: markup, path: markup, count: 3 }],
      compliance: [{ at: new Date(Date.now() - 60 * minute).toISOString(), policy: markup, devices: 2, compliant: 1 }],
    };
    await open();
    await page.locator('#top-devices a').waitFor();
    for (const id of ['#rows', '#open', '#top-devices', '#top-properties', '#policies', '#departures', '#hub']) {
      expect(await text(id)).toContain(markup);
    }
    await page.locator('#rows a.row-link').click();
    await page.getByRole('dialog').getByText('Correlation id').waitFor();
    expect(await page.locator('main img, dialog img, header img').count()).toBe(0);
    await page.setViewportSize({ width: 360, height: 740 });
    expect(await page.locator('html').evaluate((root) => root.scrollWidth)).toBe(360);
  });
});

function json(response: ServerResponse, status: number, value: unknown, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(value));
}
