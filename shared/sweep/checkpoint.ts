import type { Reading } from './reading.ts';
import type { WorkItem } from './store/index.ts';
import type { Dialect } from './where/index.ts';

/**
 * The position of a sweep, at which the next run of the sweep resumes. The sweep saves the checkpoint after each page of query results.
 * Where each save also writes a large set of ids, the sweep saves the checkpoint after several pages. All property names are stored, so do
 * not rename them.
 */
export interface Checkpoint {
  /** Fingerprint of the sweep's list of steps. If the policies now lead to other steps, the checkpoint cannot be used. */
  readonly steps: string;
  /** The words that the queries of this sweep use. Absent in checkpoints of earlier versions, whose queries use all words. */
  readonly dialect?: Dialect;
  /** Index of the current step in the list of steps. */
  readonly step: number;
  /** Continuation token of the next page of results, or the position in the list of open rows. Absent before the first page. */
  readonly continuation?: string;
  /** Ids of devices that were found and are not yet in the queue. The sweep queues them when there are enough ids for a full work item. */
  readonly pending: readonly string[];
  /**
   * Why this step reads all twins of its policy: the message of the hub, which refused the policy's query. Absent where the query works.
   */
  readonly walkInstead?: string;
  /** The read of all twins of a policy that this step does. Absent in other steps. */
  readonly reading?: Reading;
  /** When the message that resumes the sweep comes out of the queue, ISO 8601. Absent while the sweep does not pause. */
  readonly resumesAt?: string;
  /** Position of the search for missing modules. Absent while the step only counts devices and modules. */
  readonly search?: MissingSearch;
}

/** Position of the search for devices that lack a policy's module. */
export interface MissingSearch {
  /** What the search lists now. The search first lists all modules, then all devices. */
  readonly among: 'modules' | 'devices';
  /** The numbers of devices and modules that led to this search, as text. */
  readonly counts: string;
  /** Number of missing modules found so far. */
  readonly missing: number;
}

/**
 * What a step found about a module: the module may break a policy (`suspect`), or it does not exist (`missing`). Or the device has open rows
 * that no policy demands (`retired`).
 */
export type Finding = Pick<WorkItem, 'moduleId' | 'finding'>;

/** Returns a copy of the checkpoint without the continuation token. The query then starts at its first page. */
export function withoutContinuation({ continuation: _, ...checkpoint }: Checkpoint): Checkpoint {
  return checkpoint;
}
