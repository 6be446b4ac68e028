import { existsSync } from 'node:fs';
import { type Browser, chromium } from 'playwright-core';

/** Where Linux distributions put it. */
const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** How to come by a Chromium where there is none. */
export const chromiumAdvice =
  'There is no Chromium: install it ("apt-get install -y chromium" on Debian), or name one in CHROMIUM.';

/** The Chromium of this machine: the one that the environment names in `CHROMIUM`, or an installed one. */
export function findChromium(): string | undefined {
  return [process.env.CHROMIUM, ...places].find((path) => path !== undefined && existsSync(path));
}

/** Starts it without a window. @throws An `Error` that says how to install it where there is none. */
export async function launchChromium(): Promise<Browser> {
  const executablePath = findChromium();
  if (executablePath === undefined) throw new Error(chromiumAdvice);
  // The sandbox needs rights that containers do not have; all that is opened is the project's own page on loopback.
  return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] });
}
