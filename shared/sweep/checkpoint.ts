import type { WorkItem } from './work-queue.ts';

/**
 * How far a sweep has got: its next run resumes here. Saved after each page of a query, or after several pages where a save is large. All
 * property names are stored, so they stay as they are.
 */
export interface Checkpoint {
  /** Fingerprint of the steps. A checkpoint of other steps is useless. */
  readonly steps: string;
  /** Index of the current step. */
  readonly step: number;
  /** Continuation token of the next page of the step's query. Absent before the first page. */
  readonly continuation?: string;
  /** Devices that were found and are not yet queued, because they would make too small a work item. */
  readonly pending: readonly string[];
  /** Why this step reads all twins of its policy: the hub refused the policy's query. */
  readonly walkInstead?: string;
  /** The search for missing modules. Absent while the step only counts. */
  readonly search?: MissingSearch;
}

/** How far the search for missing modules has got. */
export interface MissingSearch {
  /** The search first lists the modules, then the devices. */
  readonly among: 'modules' | 'devices';
  /** The counts that led to this search, as text. */
  readonly counts: string;
  /** Missing modules found so far. */
  readonly missing: number;
}

/** The module that a step is about, and what the step found out about it. */
export type Finding = Pick<WorkItem, 'moduleId' | 'finding'>;

/** The same checkpoint before the first page of a query. */
export function withoutContinuation({ continuation: _, ...checkpoint }: Checkpoint): Checkpoint {
  return checkpoint;
}
