/** A page in a real browser, which tells of all that it should not have done. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { chromiumAdvice, findChromium } from '../../infra/build/chromium.ts';

/** Where there is no Chromium, tests that need one are skipped; but never where all must have been run. */
export const isWithoutChromium = findChromium() === undefined && process.env.CI === undefined;
if (isWithoutChromium) console.warn(`The tests of the dashboard are skipped. ${chromiumAdvice}`);

export interface WatchedPage {
  readonly page: Page;
  /** Errors in the console, exceptions, breaches of the content security policy, dialogs, requests to anywhere else. */
  readonly faults: readonly string[];
}

/** Opens an empty page that may speak to this origin only. */
export async function watchedPage(
  browser: Browser,
  origin: string,
  options: BrowserContextOptions = {},
): Promise<WatchedPage> {
  const context = await browser.newContext({ locale: 'en-GB', timezoneId: 'UTC', ...options });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') faults.push(message.text());
  });
  page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
  page.on('dialog', (dialog) => {
    faults.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    const isOwn = request.url().startsWith(`${origin}/api/`) || /^(?:data|blob):/.test(request.url());
    if (!isOwn) faults.push(`request to ${request.url()}`);
  });
  await page.addInitScript({
    content: `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error('policy violated: ' + violatedDirective + ' ' + blockedURI))`,
  });
  return { page, faults };
}

/** What an expression comes to in the page. As text: the types of a browser's globals are none of this project's. */
export function inPage<T>(page: Page, expression: string): Promise<T> {
  return page.evaluate<T>(expression);
}

/** An assertion that is tried until it holds. A page changes on its own time, so a test must wait for the state that it asserts. */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 20_000 });
}
