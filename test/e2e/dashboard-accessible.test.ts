/**
 * Tests each state of the dashboard with axe-core: on a wide screen and on a phone, in light and dark mode, and with forced colours. Also the
 * width of the page, and what the keyboard alone can do.
 */
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import { beforeEach, describe, expect, it } from 'vitest';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { fullAnswers, storyRow } from './dashboard-answers.ts';
import { dashboardStage, json, wellHealth } from './dashboard-stage.ts';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const wide = { width: 1440, height: 900 };
const phone = { width: 390, height: 844 };
/** The rules that depend on colours. The other rules need one run on each screen. */
const colourRules = ['color-contrast', 'link-in-text-block'];
const looks = [
  { name: 'wide, light', viewport: wide, media: { colorScheme: 'light', forcedColors: 'none' } },
  { name: 'wide, dark', viewport: wide, media: { colorScheme: 'dark', forcedColors: 'none' } },
  { name: 'wide, forced colours', viewport: wide, media: { colorScheme: 'dark', forcedColors: 'active' } },
  { name: 'phone, light', viewport: phone, media: { colorScheme: 'light', forcedColors: 'none' } },
  { name: 'phone, dark', viewport: phone, media: { colorScheme: 'dark', forcedColors: 'none' } },
] as const;

describe.skipIf(isWithoutChromium)('the dashboard for every reader', { timeout: 60_000 }, () => {
  const stage = dashboardStage({ viewport: wide, reducedMotion: 'reduce' });
  beforeEach(() => {
    for (const [path, answer] of Object.entries(fullAnswers())) stage.answers[path] = answer;
  });

  /** Expects no violation of axe-core and no sideways scrolling in each look. */
  async function isAccessible(): Promise<void> {
    await stage.page.evaluate(axe);
    let tested: { readonly width: number } | undefined;
    for (const { name, viewport, media } of looks) {
      await stage.page.setViewportSize(viewport);
      await stage.page.emulateMedia(media);
      const { violations } = await inPage<AxeResults>(
        stage.page,
        `axe.run(document, ${JSON.stringify({ resultTypes: ['violations'], ...(tested === viewport ? { runOnly: colourRules } : {}) })})`,
      );
      tested = viewport;
      const found = violations.map(
        ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
      );
      expect([name, found]).toEqual([name, []]);
      const width = await inPage<number>(stage.page, 'document.documentElement.scrollWidth');
      expect([name, width]).toEqual([name, viewport.width]);
    }
  }

  const loaded = () => stage.page.locator('#rows a.device-link').first().waitFor();

  it('has no fault while it shows everything, with all lists open', async () => {
    await stage.open();
    await loaded();
    await inPage(stage.page, 'document.querySelectorAll("details").forEach((each) => { each.open = true; })');
    await isAccessible();
  });

  it('has no fault while it loads', async () => {
    stage.intercept = () => true;
    await stage.open();
    await stage.page.locator('#rows .skeleton').waitFor();
    await isAccessible();
  });

  it('has no fault while it shows problems and old numbers', async () => {
    const problems = ['ill', 'warning', 'information'].map((severity) => ({
      code: 'hubUnreachable',
      severity,
      sentence: 'The hub cannot be used: 503.',
      advice: 'Check that the hub exists.',
    }));
    stage.answers['health/details'] = { ...wellHealth(), status: 'unhealthy', problems };
    await stage.open('&deviceId=press-01&kind=wrongValue&range=7d');
    await loaded();
    stage.intercept = (path, _, response) => {
      if (path !== 'summary' && path !== 'drift') return false;
      json(response, 503, { status: 503, detail: 'The storage account does not answer.' });
      return true;
    };
    await stage.page.clock.runFor(35_000);
    await stage.page.getByText('The numbers and charts are old.').waitFor();
    await isAccessible();
  });

  it.each([
    ['a row', '&view=row&of=press-01&row=story', 'Released a policy'],
    ['a device', '&view=device&of=press-01', 'Timeline'],
    ['found devices', '&view=find&of=press&tag=site:north', 'All devices of the hub were searched.'],
  ])('has no fault while it shows %s', async (_, query, text) => {
    await stage.open(query);
    await loaded();
    await stage.page.getByRole('dialog').getByText(text).first().waitFor();
    await inPage(stage.page, 'document.querySelectorAll("dialog details").forEach((each) => { each.open = true; })');
    await isAccessible();
  });

  it('has no fault while its key is wrong', async () => {
    await stage.open('', 'wrong');
    await stage.page.getByRole('main', { name: 'The key is wrong' }).waitFor();
    await isAccessible();
  });

  it('can be used with the keyboard alone: filter, open a row, copy a query, close it', async () => {
    const { keyboard } = stage.page;
    await stage.page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await stage.open();
    await loaded();
    /** Presses Tab until this element has the focus. Each element on the way must show its focus. */
    const tabTo = async (selector: string) => {
      for (let steps = 0; steps < 80; steps++) {
        await keyboard.press('Tab');
        const outlined = 'getComputedStyle(document.activeElement).outlineStyle !== "none"';
        const segment = 'document.activeElement.closest(".segments") !== null';
        expect(await inPage(stage.page, `${outlined} || ${segment}`)).toBe(true);
        if (await inPage(stage.page, `document.activeElement.matches(${JSON.stringify(selector)})`)) return;
      }
      throw new Error(`Tab never comes to ${selector}.`);
    };
    await tabTo('#filters [name=deviceId]');
    await keyboard.type('press-01');
    await keyboard.press('Enter');
    await stage.page.waitForURL(/deviceId=press-01/);
    await loaded();
    await tabTo('#rows a.row-link');
    await keyboard.press('Enter');
    const dialog = stage.page.getByRole('dialog', { name: 'Drift on press-01' });
    await dialog.getByText('ada@example.com: change 4711').waitFor();
    await tabTo('.logs summary');
    await keyboard.press('Enter');
    await tabTo('.logs button');
    await keyboard.press('Enter');
    await dialog.getByRole('button', { name: 'Copied' }).waitFor();
    expect(await inPage(stage.page, 'navigator.clipboard.readText()')).toContain(storyRow().correlationId);
    await keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    await eventually(() => inPage(stage.page, 'document.activeElement.className')).toBe('row-link');
  });

  it.each([wide, phone])('moves nothing when its data come (%o)', async (viewport) => {
    await stage.page.setViewportSize(viewport);
    const waiting: (() => void)[] = [];
    stage.intercept = (path, query, response) => {
      const { from, to } = Object.fromEntries(query);
      const times = path === 'summary' ? { from, to, countedAt: to } : {};
      waiting.push(() => json(response, 200, { ...times, ...(stage.answers[path] as object) }));
      return true;
    };
    await stage.page.addInitScript({
      content: `globalThis.shifts = [];
        const add = (entries) => {
          for (const { value, hadRecentInput, sources } of entries)
            if (!hadRecentInput) shifts.push([value, ...sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]);
        };
        const observer = new PerformanceObserver((list) => add(list.getEntries()));
        observer.observe({ type: 'layout-shift', buffered: true });
        globalThis.allShifts = () => (add(observer.takeRecords()), shifts);`,
    });
    await stage.open();
    await stage.page.locator('#rows .skeleton').waitFor();
    // A browser sends six requests at a time.
    await eventually(() => waiting.length).toBe(6);
    // Two frames: the skeletons are drawn before the answers come.
    await inPage(stage.page, 'new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))');
    stage.intercept = undefined;
    for (const answer of waiting) answer();
    await loaded();
    await stage.page.locator('#departures canvas').waitFor();
    await stage.page.locator('#tiles .tile-value', { hasText: '850 ms' }).waitFor();
    // A screenshot waits until all is drawn.
    await stage.page.screenshot();
    const shifts = await inPage<readonly (readonly [number, ...string[]])[]>(stage.page, 'allShifts()');
    const sum = shifts.reduce((total, [value]) => total + value, 0);
    expect([sum < 0.01, shifts.filter(([value]) => value > 0.002)]).toEqual([true, []]);
  });
});
