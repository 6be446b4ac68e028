import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { launchChromium } from '../../infra/build/chromium.ts';
import { Operator } from '../../infra/local/demo/operator.ts';
import type { SystemEndpoints } from '../../infra/local/endpoints-file.ts';
import { buildOwnProject, type OwnProject } from '../support/own-project.ts';
import { eventually, inPage, isWithoutChromium, type WatchedPage, watchedPage } from './browser.ts';
import { type Run, twinkeeper } from './twinkeeper.ts';

const agent = 'DefenderIotMicroAgent';

describe.skipIf(isWithoutChromium)('the dashboard of a running system', () => {
  let project: OwnProject;
  let folder: string;
  let run: Run;
  let endpoints: SystemEndpoints;
  let operator: Operator;
  let browser: Browser;
  let address: string;
  const opened: WatchedPage[] = [];

  beforeAll(async () => {
    project = await buildOwnProject();
    folder = await mkdtemp(join(tmpdir(), 'twinkeeper-dashboard-'));
    const file = join(folder, 'endpoints.json');
    run = twinkeeper(['local', '--no-demo', '--endpoints', file], project.root);
    await run.says('Ready.');
    address = /dashboard {2}(\S+)/.exec(run.stdout())?.[1] ?? '';
    endpoints = JSON.parse(await readFile(file, 'utf8')) as SystemEndpoints;
    operator = await Operator.connect(endpoints);
    browser = await launchChromium();
    for (const deviceId of ['pump-1', 'pump-2', 'javascript:alert(1)']) {
      await operator.create({ deviceId, tags: {}, edge: false, arrival: 'single' });
    }
    await vi.waitFor(async () => expect((await history('outcome=created')).length).toBe(6), { timeout: 30_000 });
  }, 180_000);

  afterAll(async () => {
    await browser?.close();
    run?.child.kill('SIGTERM');
    await run?.ended;
    await rm(folder, { recursive: true });
  });

  afterEach(async () => {
    const faults = opened.splice(0);
    for (const { page } of faults) await page.context().close();
    // The browser reports a response with an error status in the console by itself. Such a message is not a fault of the page.
    const isFault = (fault: string) => !fault.startsWith('Failed to load resource');
    expect(faults.flatMap((one) => one.faults).filter(isFault)).toEqual([]);
  });

  async function history(query: string): Promise<readonly { readonly deviceId: string }[]> {
    const headers = { 'x-functions-key': endpoints.functionKey };
    const answer = await fetch(`${endpoints.functionsUrl}/api/drift?${query}`, { headers });
    return ((await answer.json()) as { readonly rows: readonly { readonly deviceId: string }[] }).rows;
  }

  async function open(query = '', options: BrowserContextOptions = {}): Promise<Page> {
    const watched = await watchedPage(browser, endpoints.functionsUrl, options);
    opened.push(watched);
    await watched.page.goto(`${address}${query}`);
    await watched.page.locator('#rows tr').first().waitFor();
    await watched.page.locator('#tiles .tile').first().waitFor();
    return watched.page;
  }

  function change(deviceId: string, patch: Record<string, string | number | boolean>): Promise<void> {
    const steps = [{ type: 'patchDesired', moduleId: agent, patch }] as const;
    return operator.carryOut({ kind: 'wrongValue', deviceId, steps, atOnce: false, departures: [] });
  }

  const isFocused = (link: Locator) => link.evaluate((its) => its === its.ownerDocument.activeElement);
  const lines = (page: Page, text: string | RegExp) => page.locator('#rows tr', { hasText: text });

  it('has no data without its key, and runs only its own scripts', async () => {
    const answer = await fetch(`${address}&policy=%3Cscript%3E`);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    const html = await answer.text();
    expect(html).toMatch(/^<!doctype html>/i);
    expect(html).not.toContain(endpoints.functionKey);
    expect(html).not.toContain('<script>"');
    const policy = answer.headers.get('content-security-policy') ?? '';
    expect(policy).toMatch(
      /^default-src 'none'; script-src 'sha256-[^']+'; style-src 'sha256-[^']+'; connect-src 'self'; /,
    );
    expect(policy).not.toContain('unsafe');
    expect(answer.headers.get('referrer-policy')).toBe('no-referrer');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    // The page itself needs no key, so that it can say that a key is wrong. Its data needs the key.
    const keyless = await watchedPage(browser, endpoints.functionsUrl);
    opened.push(keyless);
    await keyless.page.goto(address.replace(/\?.*/, '?code=wrong'));
    await keyless.page.getByRole('main', { name: 'The key is wrong' }).waitFor();
    expect(await keyless.page.locator('#main').isVisible()).toBe(false);
    const page = await open();
    expect(await inPage(page, 'localStorage.length + sessionStorage.length + document.cookie.length')).toBe(0);
  });

  it('shows new drift and its repair without a reload', async () => {
    const page = await open();
    await change('pump-1', { Process_Mode: 7 });
    const line = lines(page, 'Process_Mode');
    await line.getByText('enforced').waitFor();
    await eventually(() => line.innerText()).toMatch(/pump-1[\s\S]*defender-micro-agent[\s\S]*wrong value[\s\S]*7 → 1/);
    await eventually(() => page.locator('#rows tr').first().innerText()).toContain('Process_Mode');
    await eventually(() => page.locator('#announce').getAttribute('aria-live')).toBe('polite');
    await eventually(() => page.locator('#announce').innerText()).toMatch(/new drift row.*pump-1/);
  });

  it('shows the expected value, the actual value and the outcome of a row, at an address of its own', async () => {
    await change('pump-2', { Login_UsePAM: true });
    const page = await open();
    await lines(page, 'Login_UsePAM').getByText('enforced').waitFor();
    await lines(page, 'Login_UsePAM').locator('td.values').click();
    const dialog = page.getByRole('dialog', { name: 'Drift on pump-2' });
    await dialog.getByText('Twinkeeper set the property to the value that the policy wants.').waitFor();
    await eventually(() => dialog.getByRole('region', { name: 'Expected' }).innerText()).toBe('+ false');
    await eventually(() => dialog.getByRole('region', { name: 'Actual' }).innerText()).toBe('− true');
    await eventually(() => dialog.innerText()).toMatch(/The drift ended [\d.]+ m?s after the change/);
    await page.reload();
    await dialog.getByText('Twinkeeper set the property').waitFor();
    await page.goBack();
    await dialog.waitFor({ state: 'hidden' });
    await eventually(() => new URL(page.url()).searchParams.get('view')).toBeNull();
  });

  it('opens and closes the details of a device with the keyboard alone', async () => {
    await change('pump-2', { Process_CacheSize: 1 });
    const page = await open();
    await lines(page, 'Process_CacheSize').getByText('enforced').waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    const link = lines(page, 'Process_CacheSize').getByRole('link', { name: 'pump-2' });
    for (let steps = 0; steps < 40 && !(await isFocused(link)); steps++) {
      await page.keyboard.press('Tab');
    }
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Device pump-2' });
    await dialog.getByText('matches its baseline').waitFor();
    await dialog.getByRole('link', { name: 'Process_CacheSize' }).waitFor();
    const summary = dialog.locator('summary', { hasText: 'match the baseline' }).last();
    await summary.focus();
    await page.keyboard.press('Enter');
    await eventually(() => dialog.getByRole('row', { name: /^Process_CacheSize/ }).innerText()).toMatch(
      /256[\s\S]*256/,
    );
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await eventually(() => isFocused(link)).toBe(true);
    await page.keyboard.press('ArrowDown');
    await eventually(() => inPage(page, 'document.activeElement.closest("tbody")?.id')).toBe('rows');
  });

  it('keeps its filters in the address, so that Back works and users can share a view', async () => {
    await change('pump-1', { Statistics_CacheSize: 5 });
    const page = await open();
    await lines(page, 'Statistics_CacheSize').waitFor();
    await page.getByRole('combobox', { name: 'Kind' }).selectOption('missingModule');
    await lines(page, 'Statistics_CacheSize').waitFor({ state: 'detached' });
    await page.getByRole('textbox', { name: 'Device' }).fill('pump-1');
    await page.keyboard.press('Enter');
    await eventually(() => page.locator('#rows tr').count()).toBe(2);
    const { searchParams } = new URL(page.url());
    expect([searchParams.get('kind'), searchParams.get('deviceId')]).toEqual(['missingModule', 'pump-1']);

    const other = await open(`&kind=missingModule&deviceId=pump-1`);
    await eventually(() => other.locator('#rows tr').count()).toBe(2);
    await eventually(() => other.getByRole('combobox', { name: 'Kind' }).inputValue()).toBe('missingModule');

    await page.goBack();
    await page.goBack();
    await lines(page, 'Statistics_CacheSize').waitFor();
    await eventually(() => page.getByRole('combobox', { name: 'Kind' }).inputValue()).toBe('');
  });

  it('finds a device by a part of its id, and counts only its drift in the charts', async () => {
    const page = await open();
    await lines(page, 'pump-2').first().waitFor();
    await page.getByRole('link', { name: 'Find devices…' }).click();
    const dialog = page.getByRole('dialog', { name: 'Find devices' });
    await dialog.getByLabel('Part of the id').fill('mp-1');
    await page.keyboard.press('Enter');
    await dialog.getByText('1 device found. All devices of the hub were searched.').waitFor();
    await dialog.getByRole('link', { name: 'filter the page by it' }).click();
    await page.waitForURL(/deviceId=pump-1/);
    await lines(page, 'pump-2').first().waitFor({ state: 'detached' });
    const rows = await history('deviceId=pump-1&limit=1000');
    await page.getByRole('img', { name: new RegExp(`^Drift over time: ${rows.length} rows`) }).waitFor();
  });

  it('exports the rows that match the filters as CSV', async () => {
    const page = await open('&kind=missingModule&deviceId=pump-2');
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export CSV' }).click();
    const download = await downloading;
    expect(download.suggestedFilename()).toMatch(/^twinkeeper-drift-.*\.csv$/);
    const [head, ...rows] = (await readFile(await download.path(), 'utf8')).trim().split('\n');
    expect(head).toContain('deviceId');
    expect(rows).toHaveLength(2);
    expect(rows.every((row) => row.includes('pump-2') && row.includes('missingModule'))).toBe(true);
  });

  it('shows hostile values of twins as text', async () => {
    const hostile = [
      '<img src=x onerror=alert(1)>',
      '</script><script>alert(1)</script>',
      'javascript:alert(1)',
      'abc\u202egnp.exe\u202c\u200b',
      'long '.repeat(800),
    ];
    const names = [
      'Baseline_GroupsDisabled',
      'Baseline_ChecksDisabled',
      'Login_MessageFrequency',
      'Process_Mode',
      'SBoM_Disabled',
    ];
    await change('javascript:alert(1)', Object.fromEntries(names.map((name, index) => [name, hostile[index] ?? ''])));
    const page = await open(`&deviceId=${encodeURIComponent('javascript:alert(1)')}`, {
      viewport: { width: 1200, height: 900 },
    });
    for (const name of names) await lines(page, name).first().waitFor();
    await eventually(() => lines(page, 'Baseline_GroupsDisabled').innerText()).toContain(
      '<img src=x onerror=alert(1)>',
    );
    await eventually(() => lines(page, 'Process_Mode').innerText()).toContain('abc\\u{202e}gnp.exe\\u{202c}\\u{200b}');
    for (const name of names) {
      await lines(page, name).locator('a.row-link').click();
      await page.getByRole('region', { name: 'Actual' }).waitFor();
      await page.keyboard.press('Escape');
    }
    await lines(page, 'Process_Mode').locator('a.device-link').click();
    await page.getByRole('dialog').getByText('Timeline').waitFor();
    await eventually(() => page.locator('#main img, dialog img, dialog script').count()).toBe(0);
    const links = await page.locator('a').evaluateAll((all) => all.map((link) => link.getAttribute('href') ?? ''));
    expect(links.filter((link) => !/^[?#]|^\/api\/user\/dashboard$/.test(link))).toEqual([]);
    await eventually(() => inPage<number>(page, 'document.documentElement.scrollWidth')).toBeLessThanOrEqual(1200);
  });

  it.each(['light', 'dark'] as const)('fits the screen of a phone in %s mode', async (colorScheme) => {
    const page = await open('', { viewport: { width: 360, height: 740 }, colorScheme, hasTouch: true });
    const width = () => inPage<number>(page, 'document.documentElement.scrollWidth');
    await eventually(width).toBe(360);
    const colour = await inPage<string>(page, 'getComputedStyle(document.body).backgroundColor');
    const [red = 0] = colour.match(/\d+/g)?.map(Number) ?? [];
    expect(red > 128).toBe(colorScheme === 'light');
    await page.locator('#rows a.device-link').first().tap();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Timeline').waitFor();
    await eventually(width).toBe(360);
    await eventually(() => dialog.evaluate((its) => its.scrollWidth <= its.clientWidth)).toBe(true);
    await dialog.getByRole('button', { name: 'Close' }).tap();
    await page.locator('#rows a.row-link').first().tap();
    await dialog.getByRole('region', { name: 'Actual' }).waitFor();
    await eventually(() => dialog.evaluate((its) => its.scrollWidth <= its.clientWidth)).toBe(true);
  });

  it('says that Twinkeeper does not work, and is not Live, while the hub answers 503', async () => {
    const page = await open();
    const strip = page.locator('#health');
    await strip.getByText('Works').waitFor();
    await page.locator('#state.live').waitFor();
    const fault = { share: 1, caller: 'twinkeeper', kinds: [{ status: 503 }] };
    const setFaults = (faults: readonly object[]) =>
      fetch(`${endpoints.controlUrl}/faults`, {
        method: 'PUT',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ faults }),
      });
    expect((await setFaults([fault])).status).toBe(200);
    await strip.getByText('Does not work').waitFor({ timeout: 120_000 });
    expect(await strip.innerText()).toMatch(/The hub cannot be used: localhost: .*503/);
    await page.locator('#state:not(.live)', { hasText: 'Updated' }).waitFor();
    await setFaults([]);
  });
});
