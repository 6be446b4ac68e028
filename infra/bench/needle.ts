import { isJsonObject, jsonEquals } from '../../shared/twin/index.ts';
import type { Bench } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import type { FilledHub } from './filled-hub.ts';
import { type Breakage, breakages, fleetModules } from './fleet.ts';
import { withFilledHub } from './sweeps.ts';

const devices = 50_000;
const modules = devices * fleetModules.length;
const broken = 50;

/** Number of hub calls that the sweep may make: 10 for a sweep without drift, and a read and a patch for each module with drift. */
const allowedCalls = 10 + 2 * broken;

/** Measures the cost of a sweep that repairs a few modules in a large fleet. */
export const needle: Bench = {
  name: 'needle',
  description: `a sweep of ${modules.toLocaleString('en')} modules, ${broken} of them with drift: hub calls and time until repaired`,
  async run(report) {
    await inBenchFolder(async (folder) => {
      report.progress(`filling a hub with ${modules} modules on ${devices} devices`);
      await withFilledHub(devices, folder, async ({ hub, sweep, walk }) => {
        const brokenModules = breakages(broken, devices);
        report.progress(`our sweep, with ${broken} broken modules`);
        await breakAll(hub, brokenModules);
        const ours = await hub.countCalls(sweep);
        await checkRepaired(hub, brokenModules, 'our sweep');
        const { row, searchedMs, doneMs } = ours.result;

        report.progress('the walking sweep, with the same modules broken again');
        await breakAll(hub, brokenModules);
        const peer = await hub.countCalls(walk);
        await checkRepaired(hub, brokenModules, 'the walking sweep');
        report.measured({
          case: 'limit',
          ours: ours.calls,
          peer: allowedCalls,
          unit: 'hub calls',
          target: { atMost: 1 },
          note: `hub calls until ${broken} of ${modules} modules were repaired, counted by the hub (the sweep counted ${row.hubCalls}). ${row.changed} drifts in ${row.examined} modules. The peer is the limit: 10, and 2 for each broken module.`,
        });
        report.measured({
          case: 'calls',
          ours: ours.calls,
          peer: peer.calls,
          unit: 'hub calls',
          target: { atMost: 1 },
          note: `the same hub calls, compared with a sweep that reads all twins, 1000 per page, and then reads and patches the broken ones.`,
        });
        report.measured({
          case: 'time',
          ours: doneMs / 1000,
          peer: peer.result.ms / 1000,
          unit: 's',
          target: { atMost: 1 },
          note: `duration of both sweeps on a hub without throttles. Our sweep had found all drift after ${(searchedMs / 1000).toFixed(1)} s.`,
        });
      });
    });
  },
};

async function breakAll({ operator }: FilledHub, brokenModules: readonly Breakage[]): Promise<void> {
  for (const { deviceId, moduleId, patch } of brokenModules) {
    await operator.updateModuleTwin(deviceId, moduleId, { properties: { desired: patch } }, '*');
  }
}

/** Rejects unless every module has its baseline again. `by` is the name of the sweep in the error message. */
async function checkRepaired({ operator }: FilledHub, brokenModules: readonly Breakage[], by: string): Promise<void> {
  for (const { deviceId, moduleId } of brokenModules) {
    const {
      $metadata: _,
      $version: __,
      ...desired
    } = (await operator.getModuleTwin(deviceId, moduleId)).responseBody.properties.desired;
    const baseline = fleetModules.find((module) => module.moduleId === moduleId)?.desired;
    if (baseline !== undefined && isJsonObject(desired) && jsonEquals(desired, baseline)) continue;
    throw new Error(`${by} has not repaired ${deviceId}/${moduleId}: ${JSON.stringify(desired)}`);
  }
}
