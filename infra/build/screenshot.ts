/**
 * `npm run screenshot`: writes a picture of the dashboard to `docs/dashboard.png`. First starts the demo, adds a day of invented history,
 * and changes three properties again and again until a guard holds back their repair.
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
  // Waits for the first sweep, which counts the devices: the dashboard shows the compliance of the fleet only after it. The demo
  // sweeps every minute.
  await page.locator('#tiles', { hasText: 'keep to all policies' }).waitFor({ timeout: 120_000 });
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

/** Waits until the demo has written its endpoints file, and returns the endpoints. By then all services are ready. */
async function readEndpoints(running: ChildProcess): Promise<SystemEndpoints> {
  while (!existsSync(endpointsFile)) {
    if (running.exitCode !== null) throw new Error('The demo has ended before it was ready: see what it says above.');
    await sleep(100);
  }
  return JSON.parse(readFileSync(endpointsFile, 'utf8')) as SystemEndpoints;
}

/** Changes one property on each of three devices again and again, like an operator who does not know the policies. */
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
      const { deviceId } = device;
      // The demo may have deleted the device or its module meanwhile. The other devices are enough for the picture.
      await operator
        .carryOut({ kind: 'wrongValue', deviceId, steps: [step], atOnce: false, departures: [] })
        .catch(() => {});
    }
    // Waits, because changes that follow at once would count as one change.
    await sleep(1_500);
  }
}
