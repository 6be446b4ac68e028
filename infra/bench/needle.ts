import { isJsonObject, jsonEquals } from '../../shared/twin/index.ts';
import type { Bench } from './bench.ts';
import { inBenchFolder } from './bench-folder.ts';
import type { FilledHub } from './filled-hub.ts';
import { type Breakage, breakages, fleetModules } from './fleet.ts';
import { onFilledHub } from './sweeps.ts';

const devices = 50_000;
const modules = devices * fleetModules.length;
const broken = 50;

/** Hub calls that a sweep may take until all is mended: those of one that finds nothing, and a read and a patch for each. */
const allowedCalls = 10 + 2 * broken;

/** What it costs to find and mend the few that are out of line among very many. */
export const needle: Bench = {
  name: 'needle',
  description: `a sweep of ${modules.toLocaleString('en')} modules of which ${broken} break a policy: hub calls and time until mended`,
  async run(report) {
    await inBenchFolder(async (folder) => {
      report.progress(`filling a hub with ${modules} modules on ${devices} devices`);
      await onFilledHub(devices, folder, async ({ hub, sweep, walk }) => {
        const needles = breakages(broken, devices);
        report.progress(`our sweep, with ${broken} broken modules`);
        await breakAll(hub, needles);
        const ours = await hub.countCalls(sweep);
        await checkMended(hub, needles, 'our sweep');
        const { row, askedAfterMs, doneAfterMs } = ours.result;

        report.progress('a sweep that walks, with the same modules broken again');
        await breakAll(hub, needles);
        const peer = await hub.countCalls(walk);
        await checkMended(hub, needles, 'the sweep that walks');
        report.measured({
          case: 'limit',
          ours: ours.calls,
          peer: allowedCalls,
          unit: 'hub calls',
          target: { atMost: 1 },
          note: `until ${broken} of ${modules} modules were mended, as the hub counts them (the sweep's own row says ${row.hubCalls}); ${row.changed} departures in ${row.examined} modules. The peer is the limit: 10, and 2 for each.`,
        });
        report.measured({
          case: 'calls',
          ours: ours.calls,
          peer: peer.calls,
          unit: 'hub calls',
          target: { atMost: 1 },
          note: `the same beside a sweep that reads all twins, 1000 a page, and then reads and patches those that are broken.`,
        });
        report.measured({
          case: 'time',
          ours: doneAfterMs / 1000,
          peer: peer.result.ms / 1000,
          unit: 's',
          target: { atMost: 1 },
          note: `of both, on a hub that does not throttle; after ${(askedAfterMs / 1000).toFixed(1)} s ours knew what is broken.`,
        });
      });
    });
  },
};

async function breakAll({ operator }: FilledHub, needles: readonly Breakage[]): Promise<void> {
  for (const { deviceId, moduleId, patch } of needles) {
    await operator.updateModuleTwin(deviceId, moduleId, { properties: { desired: patch } }, '*');
  }
}

/** @throws Where a module is not as it was before it was broken: what did not mend it has been measured in vain. */
async function checkMended({ operator }: FilledHub, needles: readonly Breakage[], by: string): Promise<void> {
  for (const { deviceId, moduleId } of needles) {
    const {
      $metadata: _,
      $version: __,
      ...desired
    } = (await operator.getModuleTwin(deviceId, moduleId)).responseBody.properties.desired;
    const wanted = fleetModules.find((module) => module.moduleId === moduleId)?.desired;
    if (wanted !== undefined && isJsonObject(desired) && jsonEquals(desired, wanted)) continue;
    throw new Error(`${by} has not mended ${deviceId}/${moduleId}: ${JSON.stringify(desired)}`);
  }
}
