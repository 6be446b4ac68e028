import type { Clock } from '../clock.ts';
import { IdSet } from '../id-set.ts';
import type { Finding } from './checkpoint.ts';
import { isLost, type SweepClaim, type SweepRow, type SweepStore } from './store/index.ts';

/** The devices that wait in the queue, for their first attempt or for a retry. A sweep does not queue such a device again. */
export class QueuedDevices {
  readonly #waiting: IdSet;

  /** `sweepId`: the id of the sweep that asks. */
  constructor(sweepId: string) {
    this.#waiting = new IdSet(sweepId);
  }

  /** Reads the work items in the queue. A work item whose message is lost is removed, so that its devices can be queued again. */
  async read(store: SweepStore, { id }: SweepClaim, row: SweepRow, clock: Clock): Promise<void> {
    for await (const item of await store.workItems()) {
      // An earlier run of this sweep may have died before it put this message in the queue. This run queues the work item again.
      const isUnsaved = item.sweepId === id && Number(item.part.split('-').at(-1)) >= row.parts;
      if (isUnsaved) continue;
      if (isLost(item, clock.now())) await store.removeWorkItem(item);
      else for (const deviceId of item.devices) this.#waiting.add(keyOf(item, deviceId));
    }
  }

  /** Whether a work item in the queue handles this finding. A missing module also covers the suspicion about the same module. */
  has({ moduleId, finding }: Finding, deviceId: string): boolean {
    const waits = (other: Finding['finding']) => this.#waiting.has(keyOf({ moduleId, finding: other }, deviceId));
    return waits(finding) || (finding === 'suspect' && waits('missing'));
  }
}

function keyOf({ moduleId, finding }: Finding, deviceId: string): string {
  return `${finding}\n${moduleId}\n${deviceId}`;
}
