import type { Bench } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import { fleetModules } from './fleet.ts';
import { withFilledHub } from './sweeps.ts';

const devices = 50_000;
const modules = devices * fleetModules.length;

/** Number of hub calls that a sweep without drift may make. */
const allowedCalls = 10;

/** Measures the cost of a sweep of a compliant fleet. Most sweeps find no drift. */
export const steady: Bench = {
  name: 'steady',
  description: `a sweep of ${modules.toLocaleString('en')} compliant modules: hub calls and time`,
  async run(report) {
    await inBenchFolder(async (folder) => {
      report.progress(`filling a hub with ${modules} modules on ${devices} devices`);
      await withFilledHub(devices, folder, async ({ hub, sweep, walk }) => {
        report.progress('our sweep');
        const ours = await hub.countCalls(sweep);
        const { row, doneMs } = ours.result;
        if (row.examined + row.found + row.parts > 0) {
          throw new Error(`The sweep found drift in a compliant hub: ${JSON.stringify(row)}`);
        }
        report.progress('the walking sweep');
        const peer = await hub.countCalls(walk);
        const { result } = peer;
        if (result.modules !== modules || result.missing + result.repaired > 0) {
          throw new Error(`The walking sweep has wrong counts: ${JSON.stringify(result)}`);
        }
        report.measured({
          case: 'limit',
          ours: ours.calls,
          peer: allowedCalls,
          unit: 'hub calls',
          target: { atMost: 1 },
          note: `all hub calls of a sweep of ${modules} modules on ${devices} devices under two policies, counted by the hub (the sweep counted ${row.hubCalls}). The peer is the limit.`,
        });
        report.measured({
          case: 'calls',
          ours: ours.calls,
          peer: peer.calls,
          unit: 'hub calls',
          target: { atMost: 0.1 },
          note: `the same hub calls, compared with a sweep that reads all twins, 1000 per page.`,
        });
        report.measured({
          case: 'time',
          ours: doneMs / 1000,
          peer: result.ms / 1000,
          unit: 's',
          target: { atMost: 1 },
          note: 'duration of both sweeps on a hub without throttles. Ours stays within its budget and includes its storage writes.',
        });
      });
    });
  },
};
