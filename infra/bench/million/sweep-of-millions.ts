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

/** Sweeps a generated hub in a process of its own, with a storage account of its own. */
export async function sweepMillions(
  folder: string,
  options: Omit<MillionSweepOptions, 'connectionString'>,
): Promise<MillionSweep> {
  const azurite = await startAzurite();
  try {
    return await measureInChild<MillionSweep>({
      child: await bundleChild('million-sweep', folder),
      options: { ...azurite.endpoints, ...options } satisfies MillionSweepOptions,
      nodeOptions: ['--expose-gc', '--max-semi-space-size=16'],
    });
  } finally {
    await azurite.close();
  }
}
