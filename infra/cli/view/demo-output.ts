import { createLogUpdate } from 'log-update';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { disturbForever } from '../../local/demo/forever.ts';
import type { Output } from '../../local/output.ts';
import type { RunOptions } from '../../local/run-options.ts';
import { addressLines } from './addresses.ts';
import { hasColour } from './colour.ts';
import { describeRow } from './describe-row.ts';
import { renderScreen } from './screen.ts';
import { terminalSize } from './terminal-size.ts';
import { type Watcher, watchSystem } from './watcher.ts';

const redrawEvery = 500;
const statusEvery = 5_000;
/** More than any terminal has lines. */
const keptRows = 200;

/** What the demo shows while it goes on: a live view on a terminal, plain lines anywhere else. */
export function demoOutput({ devices, seed }: RunOptions): Output {
  const surface = process.stdout.isTTY ? liveView() : plainLines();
  const stopping = new AbortController();
  let watcher: Watcher | undefined;
  return {
    notice: surface.notice,
    async run({ endpoints }) {
      watcher = watchSystem(endpoints, surface.onRow);
      surface.start(addressLines(endpoints), watcher);
      await disturbForever(endpoints, { devices, seed, signal: stopping.signal });
      return 0;
    },
    async close() {
      stopping.abort();
      surface.stop();
      await watcher?.close();
    },
  };
}

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
      const place = rows.findIndex(({ rowKey, deviceId }) => rowKey === row.rowKey && deviceId === row.deviceId);
      if (place >= 0) rows.splice(place, 1);
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
  const say = (text: string) => process.stdout.write(`${text}\n`);
  let timer: NodeJS.Timeout | undefined;
  return {
    start(addresses, watcher) {
      for (const address of addresses) say(address);
      say('Ready. Ctrl-C ends it.');
      timer = setInterval(() => {
        const { devices, compliant, recorded, mended, callsPerMinute } = watcher.figures;
        const calls = Object.values(callsPerMinute).reduce((sum, count) => sum + count, 0);
        say(
          `${devices} devices, ${compliant} compliant; ${recorded} drifts recorded, ${mended} mended; ${calls} hub calls a minute`,
        );
      }, statusEvery);
    },
    onRow(row) {
      const { time, device, module, what, before, after, outcome } = describeRow(row);
      say(`${time} ${device} ${module} ${what} ${before} -> ${after} ${outcome}`);
    },
    notice(text) {
      process.stderr.write(`${text}\n`);
    },
    stop() {
      clearInterval(timer);
    },
  };
}
