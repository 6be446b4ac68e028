import type { Bench } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { fleetModules } from './fleet.ts';
import { onFilledHub } from './sweeps.ts';

const devices = 50_000;
const modules = devices * fleetModules.length;

/** Hub calls that a sweep may take which finds nothing. */
const allowedCalls = 10;

/** What it costs to learn that all is well, which is what most sweeps learn. */
export const steady: Bench = {
  name: 'steady',
  description: `a sweep of ${modules.toLocaleString('en')} modules that are as they should be: hub calls and time`,
  async run(report) {
    await inBenchFolder(async (folder) => {
      report.progress(`filling a hub with ${modules} modules on ${devices} devices`);
      await onFilledHub(devices, folder, async ({ hub, sweep, walk }) => {
        report.progress('our sweep');
        const ours = await hub.countCalls(sweep);
        const { row, doneAfterMs } = ours.result;
        if (row.examined + row.found + row.parts > 0) {
          throw new Error(`The sweep found something in a hub where all is well: ${JSON.stringify(row)}`);
        }
        report.progress('a sweep that walks');
        const peer = await hub.countCalls(walk);
        const { result } = peer;
        if (result.modules !== modules || result.missing + result.mended > 0) {
          throw new Error(`The walk has not seen the hub as it is: ${JSON.stringify(result)}`);
        }
        report.measured({
          case: 'limit',
          ours: ours.calls,
          peer: allowedCalls,
          unit: 'hub calls',
          target: { atMost: 1 },
          note: `all calls of a sweep of ${modules} modules on ${devices} devices under two policies, as the hub counts them (the sweep's own row says ${row.hubCalls}); the peer is the limit.`,
        });
        report.measured({
          case: 'calls',
          ours: ours.calls,
          peer: peer.calls,
          unit: 'hub calls',
          target: { atMost: 0.1 },
          note: `the same beside a sweep that reads all twins, 1000 a page.`,
        });
        report.measured({
          case: 'time',
          ours: doneAfterMs / 1000,
          peer: result.ms / 1000,
          unit: 's',
          target: { atMost: 1 },
          note: 'of both, on a hub that does not throttle; ours within its own budget, and with all that it writes to storage.',
        });
      });
    });
  },
};
