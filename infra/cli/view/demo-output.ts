import { setTimeout as sleep } from 'node:timers/promises';
import { createLogUpdate } from 'log-update';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import { disturbForever } from '../../local/demo/forever.ts';
import { policyReleaser } from '../../local/demo/release-policies.ts';
import type { SystemEndpoints } from '../../local/endpoints-file.ts';
import type { Output } from '../../local/output.ts';
import type { RunOptions } from '../../local/run-options.ts';
import { recordAction } from '../record-action.ts';
import { addressLines } from './addresses.ts';
import { hasColour } from './colour.ts';
import { describeRow } from './describe-row.ts';
import { describeFleet } from './fleet-figures.ts';
import { renderScreen } from './screen.ts';
import { terminalSize } from './terminal-size.ts';
import { type Watcher, watchSystem } from './watcher.ts';

const redrawEvery = 500;
const statusEvery = 5_000;
/** Number of history rows that the live view keeps. No terminal has as many lines. */
const keptRows = 200;

/** The output of the demo without `--once`. On a terminal it is a live view. Elsewhere, as in a file, it is lines of text. */
export function demoOutput({ devices, seed, throttle }: RunOptions): Output {
  const surface = process.stdout.isTTY ? liveView() : plainLines();
  const stopping = new AbortController();
  const { signal } = stopping;
  let watcher: Watcher | undefined;
  return {
    notice: surface.notice,
    async run({ endpoints }) {
      const releaseLater = policyReleaser({
        release: (policy) => releasePolicy(endpoints, policy),
        pause: (milliseconds) => sleep(milliseconds, true, { signal }).catch(() => false),
        notice: surface.notice,
        now: Date.now,
      });
      watcher = watchSystem(endpoints, (row) => {
        surface.onRow(row);
        releaseLater(row);
      });
      surface.start(addressLines(endpoints), watcher);
      await disturbForever(endpoints, { devices, seed, signal, ...(throttle === undefined ? {} : { throttle }) });
      return 0;
    },
    async close() {
      stopping.abort();
      surface.stop();
      await watcher?.close();
    },
  };
}

/** Lifts the blast radius of a policy, and asks for a sweep. The sweep repairs the drift whose repair was held back. */
async function releasePolicy({ storageConnectionString }: SystemEndpoints, policy: string): Promise<void> {
  const account = { connectionString: storageConnectionString };
  await recordAction(
    account,
    {
      action: 'release',
      target: { policy },
      reason: 'The demo releases a policy 30 seconds after a guard holds it back.',
    },
    async () => {
      await createGuardStore(account).release(policy);
      await createSweepQueue(account).put({ type: 'start' });
    },
    () => 'The limit is lifted for an hour. A sweep was requested.',
  );
}

/** The place where the demo is shown: a live view on a terminal, or lines of text. */
interface Surface {
  start(addresses: readonly string[], watcher: Watcher): void;
  onRow(row: DriftRow): void;
  notice(text: string): void;
  stop(): void;
}

function liveView(): Surface {
  const update = createLogUpdate(process.stdout);
  const rows: DriftRow[] = [];
  let notice = '';
  let timer: NodeJS.Timeout | undefined;
  let draw = () => {};
  return {
    start(addresses, watcher) {
      draw = () => {
        const screen = { figures: watcher.figures, rows, addresses, notice };
        update(renderScreen(screen, terminalSize(process.stdout), hasColour(process.stdout)));
      };
      process.stdout.on('resize', draw);
      timer = setInterval(draw, redrawEvery);
      draw();
    },
    onRow(row) {
      const known = rows.findIndex(({ rowKey, deviceId }) => rowKey === row.rowKey && deviceId === row.deviceId);
      if (known >= 0) rows.splice(known, 1);
      rows.unshift(row);
      rows.length = Math.min(rows.length, keptRows);
    },
    notice(text) {
      notice = text;
    },
    stop() {
      clearInterval(timer);
      process.stdout.off('resize', draw);
      update.done();
    },
  };
}

function plainLines(): Surface {
  const print = (text: string) => process.stdout.write(`${text}\n`);
  let timer: NodeJS.Timeout | undefined;
  return {
    start(addresses, watcher) {
      for (const address of addresses) print(address);
      print('Ready. Ctrl-C ends it.');
      timer = setInterval(() => {
        const { figures } = watcher;
        const { recorded, repaired, heldBack, callsPerMinute } = figures;
        const calls = Object.values(callsPerMinute).reduce((sum, count) => sum + count, 0);
        print(
          `${describeFleet(figures)}; ${recorded} drifts recorded, ${repaired} repaired, ${heldBack} held back; ` +
            `${calls} hub calls a minute`,
        );
      }, statusEvery);
    },
    onRow(row) {
      const { time, device, module, property, before, after, outcome } = describeRow(row);
      print(`${time} ${device} ${module} ${property} ${before} -> ${after} ${outcome}`);
    },
    notice(text) {
      process.stderr.write(`${text}\n`);
    },
    stop() {
      clearInterval(timer);
    },
  };
}
