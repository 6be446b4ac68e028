/** Opens a report in Chromium, from disk, as an auditor does. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../../infra/build/chromium.ts';
import { reportDocument } from '../../infra/cli/report/html/document.ts';
import { sampleReport } from '../infra/cli/report/sample-report.ts';
import { inPage, isWithoutChromium } from './browser.ts';

describe.skipIf(isWithoutChromium)('a report in a browser', () => {
  let browser: Browser;
  let folder: string;
  let address: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'twinkeeper-report-'));
    const file = join(folder, 'report.html');
    await writeFile(file, reportDocument(sampleReport(110, 12)));
    address = pathToFileURL(file).href;
    browser = await launchChromium();
  });
  afterAll(async () => {
    await browser?.close();
    if (folder !== undefined) await rm(folder, { recursive: true });
  });

  /** Opens the report. `faults` are its requests for other resources, its dialogs, and the messages of the console. */
  async function open(options: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext(options);
    const page = await context.newPage();
    const faults: string[] = [];
    page.on('console', (message) => faults.push(message.text()));
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('dialog', (dialog) => void dialog.dismiss().then(() => faults.push(dialog.message())));
    page.on('request', (request) => {
      if (request.url() !== address) faults.push(request.url());
    });
    await page.goto(address);
    return { page, faults };
  }

  it.each([
    ['light', 390],
    ['dark', 1440],
  ] as const)(
    'has no violation of accessibility in %s mode at %s pixels, and is not wider',
    async (colorScheme, width) => {
      const { page, faults } = await open({ colorScheme, viewport: { width, height: 1000 } });
      expect(faults).toEqual([]);
      expect(await violations(page)).toEqual([]);
      expect(await inPage<number>(page, 'document.documentElement.scrollWidth')).toBe(width);
      expect(await page.locator('img, script, link').count()).toBe(0);
      await page.context().close();
    },
  );

  it('scrolls wide tables with the keyboard', async () => {
    const { page } = await open({ viewport: { width: 390, height: 800 } });
    const region = page.getByRole('region', { name: 'Departures, oldest first' });
    await region.focus();
    await page.keyboard.press('ArrowRight');
    await expect
      .poll(() => region.evaluate((element) => (element as unknown as { scrollLeft: number }).scrollLeft))
      .toBeGreaterThan(0);
    await page.context().close();
  });

  it('prints on A4 with the heads of its tables on each page, and no row on two pages', async () => {
    const { page } = await open();
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' });
    const style = (selector: string, name: string) =>
      inPage<string>(page, `getComputedStyle(document.querySelector('${selector}')).getPropertyValue('${name}')`);
    expect(await style('thead', 'display')).toBe('table-header-group');
    expect(await style('tbody tr', 'break-inside')).toBe('avoid');
    // Paper is white, whatever the screen prefers.
    expect(await style('body', 'color')).toBe('rgb(23, 27, 34)');
    const pdf = (await page.pdf({ preferCSSPageSize: true })).toString('latin1');
    const [, width, height] = /\/MediaBox \[0 0 (\d+)[\d.]* (\d+)[\d.]*\]/.exec(pdf) ?? [];
    expect([width, height]).toEqual(['594', '841']);
    expect(Number(/\/Count (\d+)/.exec(pdf)?.[1])).toBeGreaterThan(5);
    await page.context().close();
  });
});

/** The violations that axe-core finds, each with the first of its elements. */
async function violations(page: Page): Promise<readonly string[]> {
  // The page allows no script. This one comes from the tools of the browser.
  await page.evaluate(axe.source);
  const { violations } = await inPage<{
    readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[];
  }>(page, 'axe.run()');
  return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
}
