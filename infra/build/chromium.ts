import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Paths where Linux distributions install Chromium or Chrome. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** The error message for a machine without Chromium. The message says how to install it. */
export const chromiumAdvice =
  'There is no Chromium: install it ("apt-get install -y chromium" on Debian), or name one in CHROMIUM.';

/**
 * The path of Chromium: the path in the environment variable `CHROMIUM`, or else the path of an installed Chromium or Chrome. `undefined`
 * when neither exists.
 */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM, ...places].find((path) => path !== undefined && existsSync(path));
}

/**
 * Starts Chromium without a window.
 * @throws An Error whose message says how to install Chromium, when there is none.
 */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(chromiumAdvice);
  // Chromium's sandbox needs rights that containers do not have. It is not needed here: Chromium opens only the dashboard of the local
  // system.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
