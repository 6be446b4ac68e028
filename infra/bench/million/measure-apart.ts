import { startAzurite } from '../../local/azurite.ts';
import { bundleChild } from '../bundle-child.ts';
import type { HeapPeak } from '../heap-watch.ts';
import { measureInChild } from '../measure-in-child.ts';

export interface MillionSweepOptions {
  readonly connectionString: string;
  /** Number of devices. Each has one module. */
  readonly devices: number;
  /** Number of modules that are missing. */
  readonly missing: number;
  /** Number of modules that differ from the baseline. */
  readonly broken: number;
  /** The blast radius: the most twins that may change in an hour. */
  readonly limit: number;
}

/** What one sweep of a generated hub found, did and cost. */
export interface MillionSweep {
  readonly seconds: number;
  readonly heap: HeapPeak;
  readonly found: number;
  readonly changed: number;
  readonly heldBack: number;
  readonly calls: number;
  readonly operations: number;
  readonly messages: number;
  readonly stillMissing: number;
  readonly stillBroken: number;
}

export interface MillionEventsOptions {
  readonly connectionString: string;
  readonly devices: number;
  readonly eventsPerSecond: number;
  readonly partitions: number;
  /** Number of seconds whose events are processed. */
  readonly seconds: number;
  /** The part of the events that need a repair. */
  readonly relevantShare: number;
}

/** What the events of some seconds cost one process. */
export interface MillionEvents {
  /** Seconds of real time. */
  readonly elapsed: number;
  /** Seconds of processor time. */
  readonly processorTime: number;
  /** Number of events that needed a repair, also before the measured seconds. */
  readonly relevant: number;
  readonly repaired: number;
  readonly deferred: number;
}

/** Sweeps a generated hub in a process of its own, with a storage account of its own. */
export function sweepApart(
  folder: string,
  options: Omit<MillionSweepOptions, 'connectionString'>,
): Promise<MillionSweep> {
  return measureApart<MillionSweep>(folder, 'million-sweep', options);
}

/** Processes events in a process of its own, with a storage account of its own. */
export function processApart(
  folder: string,
  options: Omit<MillionEventsOptions, 'connectionString'>,
): Promise<MillionEvents> {
  return measureApart<MillionEvents>(folder, 'million-events', options);
}

async function measureApart<Result>(folder: string, child: string, options: object): Promise<Result> {
  const azurite = await startAzurite();
  try {
    return await measureInChild<Result>({
      child: await bundleChild(child, folder),
      options: { ...azurite.endpoints, ...options },
      nodeOptions: ['--expose-gc', '--max-semi-space-size=16'],
    });
  } finally {
    await azurite.close();
  }
}
