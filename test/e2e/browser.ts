/** Opens a page in a real browser, and records everything that the page must not do. */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { expect } from 'vitest';
import { chromiumAdvice, findChromium } from '../../infra/build/chromium.ts';

/**
 * True when no Chromium is installed. Tests that need Chromium are then skipped. In CI this is always false, so that the tests fail
 * instead.
 */
export const isWithoutChromium = findChromium() === undefined && process.env.CI === undefined;
if (isWithoutChromium) console.warn(`The tests of the dashboard are skipped. ${chromiumAdvice}`);

export interface WatchedPage {
  readonly page: Page;
  /** Errors and warnings in the console, exceptions, violations of the content security policy, dialogs, and requests to other origins. */
  readonly faults: readonly string[];
}

/** Opens an empty page. A request of the page to a URL outside `/api/` of this origin is recorded as a fault. */
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

/**
 * Evaluates an expression in the page and returns its value. The expression is text, because these tests are compiled
 * without the types of browser globals.
 */
export function inPage<T>(page: Page, expression: string): Promise<T> {
  return page.evaluate<T>(expression);
}

/**
 * An assertion that is repeated until it holds, for at most 20 seconds. A page changes at its own speed, so a test must wait for the
 * asserted state.
 */
export function eventually<T>(read: () => T | Promise<T>) {
  return expect.poll(read, { timeout: 20_000 });
}
