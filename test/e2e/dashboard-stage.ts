/** Serves the dashboard's page alone, built from its sources, to a real browser. The test decides how the API answers. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from 'vitest';
import type {
  DeadLettersPage,
  DriftPage,
  FleetAnswer,
  OpenPage,
  PoliciesAnswer,
  ShownActions,
  ShownSweeps,
} from '../../functions/api/answers.ts';
import { readPage } from '../../functions/dashboard/page.ts';
import { launchChromium } from '../../infra/build/chromium.ts';
import { buildDashboardPage } from '../../infra/build/dashboard-page.ts';
import type { DriftRow } from '../../shared/drift/index.ts';
import { type WatchedPage, watchedPage } from './browser.ts';
import { fleetOf, noSummary, wellHealth } from './dashboard-rows.ts';

const hour = 3_600_000;

export { fleetOf, noSummary, row, wellHealth } from './dashboard-rows.ts';

/** Answers a request of the page and returns true, or returns false to leave the request to the default answers. */
type Intercept = (path: string, query: URLSearchParams, response: ServerResponse) => boolean;

export interface Stage {
  readonly page: Page;
  /** The answer at each path below `/api/`, unless `intercept` answers. The answer at `summary` also gets the time range of the request. */
  readonly answers: Record<string, unknown>;
  intercept: Intercept | undefined;
  /** The requests of the page so far, newest last. */
  readonly asked: { readonly path: string; readonly query: URLSearchParams }[];
  /** The query string of the first request to this path. Waits until the page sends that request. */
  question(path: string): Promise<URLSearchParams>;
  /** Opens the page. `query` is added to its address. The function key is correct by default. */
  open(query?: string, key?: string): Promise<void>;
  /** Opens the page at the address of operators who sign in, without a key. */
  openSignedIn(): Promise<void>;
  text(selector: string): Promise<string>;
}

/** Prepares a browser, a server, and a new page for each test. Call this function inside a `describe`. */
export function dashboardStage(options: BrowserContextOptions = {}): Stage {
  let folder: string;
  let browser: Browser;
  let server: Server;
  let origin: string;
  let watched: WatchedPage;
  let answers: Record<string, unknown> = {};
  const stage = {
    intercept: undefined as Intercept | undefined,
    asked: [] as { readonly path: string; readonly query: URLSearchParams }[],
    get page() {
      return watched.page;
    },
    get answers() {
      return answers;
    },
    async open(query = '', key = 'the key') {
      await watched.page.goto(`${origin}/api/dashboard?code=${encodeURIComponent(key).replaceAll('%20', '+')}${query}`);
    },
    /** Opens the page at the address of operators who sign in, without a key. */
    async openSignedIn() {
      await watched.page.goto(`${origin}/api/user/dashboard`);
    },
    question: (path: string) =>
      vi.waitFor(
        () => {
          const first = stage.asked.find((each) => each.path === path);
          if (first === undefined) throw new Error(`Nothing was asked at ${path}.`);
          return first.query;
        },
        { timeout: 20_000 },
      ),
    text: (selector: string) => watched.page.locator(selector).innerText(),
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinkeeper-page-'));
    await buildDashboardPage(folder);
    const { html, contentSecurityPolicy } = await readPage(folder);
    browser = await launchChromium();
    server = createServer((request, response) => {
      const url = new URL(request.url ?? '', 'http://localhost');
      const isOperator = url.pathname.startsWith('/api/user/');
      const path = url.pathname.replace(isOperator ? '/api/user/' : '/api/', '');
      if (path === 'dashboard') {
        const headers = {
          'content-type': 'text/html; charset=utf-8',
          'content-security-policy': contentSecurityPolicy,
        };
        return response.writeHead(200, headers).end(html);
      }
      stage.asked.push({ path, query: url.searchParams });
      if (stage.intercept?.(path, url.searchParams, response)) return;
      if (request.headers['x-functions-key'] !== (isOperator ? undefined : 'the key'))
        return response.writeHead(401).end();
      const answer = answers[decodeURIComponent(path)];
      return json(response, 200, completed(path, answer, url.searchParams));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
    await rm(folder, { recursive: true, force: true });
  });

  beforeEach(async () => {
    answers = {
      drift: { rows: [] } satisfies DriftPage,
      'drift/open': { rows: [] } satisfies OpenPage,
      policies: {
        policies: [],
        fleet: fleetOf(0, 0),
        open: { total: 0, byReason: {} },
        openCountedAt: '2026-01-01T00:00:00.000Z',
      } satisfies PoliciesAnswer,
      'dead-letters': { letters: [], countedOnly: [] } satisfies DeadLettersPage,
      sweeps: { sweeps: [] } satisfies ShownSweeps,
      actions: { actions: [] } satisfies ShownActions,
      summary: noSummary,
      'health/details': wellHealth(),
    };
    stage.intercept = undefined;
    stage.asked.splice(0);
    watched = await watchedPage(browser, origin, { viewport: { width: 1200, height: 900 }, ...options });
    await watched.page.clock.install();
  });

  afterEach(async () => {
    await watched.page.context().close();
    // The browser reports a failed request in the console by itself. Such a message is not a fault of the page.
    expect(watched.faults.filter((fault) => !fault.startsWith('Failed to load resource'))).toEqual([]);
  });
  return stage;
}

/** Completes the answer of a test with what the API always says, and what does not matter to most tests. */
function completed(path: string, answer: unknown, query: URLSearchParams): unknown {
  if (path === 'summary') return timed(answer as object, query);
  if (path !== 'policies') return answer;
  const { policies } = answer as PoliciesAnswer;
  const devices = policies.flatMap((policy) => policy.devices ?? []);
  const outOfLine = policies.reduce((sum, policy) => sum + policy.openDevices, 0);
  return {
    fleet: devices.length === 0 ? uncounted(outOfLine) : fleetOf(Math.max(...devices), outOfLine),
    ...(answer as object),
  };
}

/** The compliance of a fleet that no sweep has counted. */
function uncounted(outOfLine: number): FleetAnswer {
  return { devices: null, devicesCountedAt: null, isExact: null, outOfLine, compliant: null, percent: null };
}

/** Adds the time range to a summary, as the API does: full hours, where the last hour may still be running. */
function timed(summary: object, query: URLSearchParams): object {
  const [from, to] = ['from', 'to'].map((name) => Date.parse(query.get(name) ?? ''));
  const begin = new Date(Math.floor((from ?? 0) / hour) * hour).toISOString();
  const end = new Date(Math.min(Math.ceil((to ?? 0) / hour) * hour, Date.now())).toISOString();
  return { from: begin, to: end, bucket: query.get('bucket'), countedAt: end, ...summary };
}

export function json(response: ServerResponse, status: number, value: unknown, type = 'application/json'): void {
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(value));
}

/**
 * Makes an `intercept` that answers `GET /api/drift` from these rows like the API: within the time range, newest first, and after the row
 * that the cursor names.
 */
export function historyOf(rows: () => readonly DriftRow[]): Intercept {
  return (path, query, response) => {
    if (path !== 'drift') return false;
    const { from, to, deviceId, cursor } = Object.fromEntries(query);
    const [asked, after] = cursor === undefined ? [] : (JSON.parse(cursor) as [string, string]);
    const question = JSON.stringify([from, to, deviceId]);
    if (cursor !== undefined && asked !== question) {
      json(response, 400, { status: 400, detail: 'cursor must be of the same question.' });
      return true;
    }
    const fitting = rows()
      .filter((one) => deviceId === undefined || one.deviceId === deviceId)
      .filter(({ detectedAt }) => from === undefined || detectedAt >= from)
      .filter(({ detectedAt }) => to === undefined || detectedAt < to)
      .toSorted((a, b) => Date.parse(b.detectedAt) - Date.parse(a.detectedAt));
    const start = after === undefined ? 0 : fitting.findIndex(({ rowKey }) => rowKey === after) + 1;
    const page = fitting.slice(start, start + Number(query.get('limit')));
    const isMore = start + page.length < fitting.length;
    const next = isMore ? { cursor: JSON.stringify([question, page.at(-1)?.rowKey]) } : {};
    json(response, 200, { rows: page, ...next });
    return true;
  };
}
