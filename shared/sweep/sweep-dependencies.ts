import type { Clock } from '../clock.ts';
import type { OpenList, RunningPasses } from '../drift/index.ts';
import type { CompetingSetting, FleetCount, Guard } from '../guards/index.ts';
import type { Hub } from '../hub/index.ts';
import type { Log } from '../log.ts';
import type { PolicySet } from '../policy/index.ts';
import type { BlobFolders } from '../storage/index.ts';
import type { SweepStore } from './store/index.ts';
import type { SweepQueue } from './work-queue.ts';

/** The part of the guard store that a sweep writes. The guards and the app's health report read it. */
export interface SweepGuardStore {
  /** Returns the competing settings that {@link putCompeting} stored last. */
  competing(): Promise<readonly CompetingSetting[]>;
  putCompeting(settings: readonly CompetingSetting[]): Promise<void>;
  /** Stores the number of devices in a policy's scope. */
  putDeviceCount(policy: string, devices: number): Promise<void>;
  /** Stores the number of devices in the scope of at least one policy. */
  putFleetCount(fleet: FleetCount): Promise<void>;
}

export interface SweepDependencies {
  readonly policies: PolicySet;
  readonly hub: Hub;
  readonly store: SweepStore;
  readonly queue: SweepQueue;
  readonly guardStore: SweepGuardStore;
  readonly openList: OpenList;
  readonly runningPasses: Pick<RunningPasses, 'killed' | 'end'>;
  /** Says which held-back twins the sweep need not read again. */
  readonly guard: Pick<Guard, 'stillHeld'>;
  /**
   * The number of missing modules of one policy above which an import job of the hub creates them. Infinity: bulk calls create all modules.
   */
  readonly backfillAbove: number;
  /** The folders of blobs that the hub's jobs read and write. */
  readonly folders: BlobFolders;
  /** The number of twins of one policy above which a walk reads them from an export job of the hub. Infinity: queries read all twins. */
  readonly exportAbove: number;
  /** Milliseconds between the starts of two walks of a policy that queries cannot express. 0: each sweep reads all of its twins. */
  readonly walkEvery: number;
  /** Milliseconds between the starts of two full looks, which check what the queries say. Infinity: no full look. */
  readonly lookEvery: number;
  readonly log: Log;
  readonly clock: Clock;
}
