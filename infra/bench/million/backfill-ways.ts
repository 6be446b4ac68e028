import { toImportLine } from '../../../shared/hub/import-lines.ts';
import { type HubTier, throttleLimits } from '../../../shared/hub/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { SkippingClock } from '../../local/skipping-clock.ts';
import { GeneratedHub } from './generated-hub.ts';

/** A hub and the modules that it lacks. */
export interface Backfill {
  readonly tier: HubTier;
  readonly units: number;
  readonly devices: number;
  readonly moduleId: string;
  readonly baseline: JsonObject;
  readonly tags: JsonObject;
}

/** What it costs to create the modules. `operations` are those of the identity throttle. */
export interface BackfillCost {
  readonly calls: number;
  readonly operations: number;
  readonly messages: number;
  readonly hours: number;
}

/** Seconds that one call takes to a hub and back. */
const roundTrip = 0.1;
/** The part of the hub's throttles that the app takes by default. */
const share = 0.5;
/** Number of modules that the sweep creates in one work item. */
const workItem = 100;
/** Seconds between two looks at a job. */
const pollInterval = 15;
/** Number of modules that the app reads after the trial, which is an import of its own. */
const trialLines = 10;

/** Bulk calls through the app's own budget, on a clock that skips its waits. */
export async function byBulkCalls({ tier, units, devices, moduleId, baseline, tags }: Backfill): Promise<BackfillCost> {
  const clock = new SkippingClock();
  const generated = new GeneratedHub({
    ...{ devices, moduleId, baseline, tags, clock },
    budget: { tier, units, share, messageShare: 0.1 },
  });
  generated.deleteModules(devices);
  const hub = generated.lane('sweep');
  const from = clock.now().getTime();
  for (let first = 0; first < devices; ) {
    const modules = Array.from({ length: Math.min(workItem, devices - first) }, (_, index) => ({
      ...{ deviceId: GeneratedHub.deviceId(first + index), moduleId, desired: baseline, tags },
    }));
    const answers = await hub.createModules(modules);
    const done = answers.findIndex((answer) => !answer.ok);
    first += done === -1 ? modules.length : done;
    if (done !== -1) await clock.sleep(hub.waitFor('bulk'));
  }
  const { calls, operations, messages } = generated.cost;
  return { calls, operations, messages, hours: (clock.now().getTime() - from) / 3_600_000 };
}

/** An import job that creates this number of modules in a second, after a trial. Calculated. */
export function byImportJob({ devices }: Backfill, linesPerSecond: number): BackfillCost {
  const seconds = devices / linesPerSecond + 2 * pollInterval;
  const polls = Math.ceil(seconds / pollInterval);
  // Each import is one call, and the app reads the modules of the trial and their keys.
  const reads = 2 * trialLines;
  return {
    calls: 2 + polls + reads,
    operations: 2 + polls + trialLines,
    messages: 2 * trialLines,
    hours: seconds / 3600,
  };
}

/** The size of the list that an import job reads, in bytes. */
export function importBytes({ devices, moduleId, baseline, tags }: Backfill): number {
  const line = toImportLine({ deviceId: GeneratedHub.deviceId(0), moduleId, desired: baseline, tags });
  return devices * (Buffer.byteLength(line) + 1);
}

/** The vendor's script: a query, and then two calls for each device, one after the other, with all of the hub's throttle. Calculated. */
export function byScript({ tier, units, devices, baseline }: Backfill): BackfillCost {
  const { identity, twinUpdate } = throttleLimits(tier, units);
  const secondsPerDevice = Math.max(2 * roundTrip, 1 / identity, 1 / twinUpdate);
  const pages = Math.ceil(devices / 1000);
  const messages = devices * Math.ceil(Buffer.byteLength(JSON.stringify(baseline)) / 4096);
  return { calls: pages + 2 * devices, operations: devices, messages, hours: (devices * secondsPerDevice) / 3600 };
}
