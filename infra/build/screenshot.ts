/**
 * `npm run screenshot`: starts the demo, gives it a day of invented history, changes two properties back and forth until a guard holds them
 * back, and writes what the dashboard then shows to `docs/dashboard.png`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { dashboardAddress } from '../cli/view/addresses.ts';
import { demoFleet } from '../local/demo/fleet.ts';
import { Operator } from '../local/demo/operator.ts';
import type { SystemEndpoints } from '../local/endpoints-file.ts';
import { launchChromium } from './chromium.ts';
import { inventDay } from './invented-day.ts';

const devices = 60;
const file = process.argv[2] ?? 'docs/dashboard.png';
const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-screenshot-'));
const endpointsFile = join(folder, 'endpoints.json');
const browser = await launchChromium();
const demo = spawn(
  process.execPath,
  ['dist/twinkeeper.js', 'local', '--devices', String(devices), '--endpoints', endpointsFile],
  { stdio: ['ignore', 'ignore', 'inherit'] },
);
try {
  const endpoints = await readEndpoints(demo);
  await inventDay({ connectionString: endpoints.storageConnectionString }, devices);
  await contest(endpoints);
  const page = await browser.newPage({ viewport: { width: 1440, height: 1180 }, deviceScaleFactor: 1.5 });
  await page.goto(dashboardAddress(endpoints));
  // The demo sweeps every minute, and what it counts is shown from the first sweep on.
  await page.locator('#tiles', { hasText: 'over all policies' }).waitFor({ timeout: 120_000 });
  await page.locator('#open li').first().waitFor({ timeout: 30_000 });
  await page.locator('#rows .badge').nth(20).waitFor();
  await mkdir(dirname(file), { recursive: true });
  await page.screenshot({ path: file });
  process.stdout.write(`${file} is written.\n`);
} finally {
  await browser.close();
  demo.kill('SIGTERM');
  await new Promise((resolve) => (demo.exitCode === null ? demo.once('close', resolve) : resolve(undefined)));
  await rm(folder, { recursive: true });
}

/** Waits until all is ready. */
async function readEndpoints(running: ChildProcess): Promise<SystemEndpoints> {
  while (!existsSync(endpointsFile)) {
    if (running.exitCode !== null) throw new Error('The demo has ended before it was ready: see what it says above.');
    await sleep(100);
  }
  return JSON.parse(readFileSync(endpointsFile, 'utf8')) as SystemEndpoints;
}

/** Changes properties on some devices again and again, as somebody would who does not know of the policies. */
async function contest(endpoints: SystemEndpoints): Promise<void> {
  const operator = await Operator.connect(endpoints);
  const fleet = demoFleet(devices);
  const quarrels = [
    { device: fleet[2], moduleId: 'DefenderIotMicroAgent', property: 'Process_Mode' },
    { device: fleet[7], moduleId: 'DefenderIotMicroAgent', property: 'NetworkActivity_CacheSize' },
    { device: fleet[12], moduleId: 'DefenderIotMicroAgent', property: 'Login_UsePAM' },
  ];
  for (let round = 0; round < 7; round++) {
    for (const { device, moduleId, property } of quarrels) {
      if (device === undefined) continue;
      const step = { type: 'patchDesired', moduleId, patch: { [property]: `by hand, ${round}` } } as const;
      await operator.carryOut({
        kind: 'wrongValue',
        deviceId: device.deviceId,
        steps: [step],
        atOnce: false,
        departures: [],
      });
    }
    // What follows at once is one change.
    await sleep(1_500);
  }
}
