import type { TableClient } from '@azure/data-tables';
import * as z from 'zod/mini';
import { ignoreNotFound, joinText, splitText } from '../../storage/index.ts';
import { workItemsPrefix } from './keys.ts';

/** The key of a backfill: the sweep that found the missing modules, and the step that searched for them. */
export interface BackfillKey {
  readonly sweepId: string;
  readonly step: number;
}

/** The state of a backfill, which creates many missing modules by one import job of the hub. */
export interface Backfill extends BackfillKey {
  /**
   * `collect`: workers write the lines of the job. `trial`: a job with a few lines shows whether the hub creates modules in this way. `import`:
   * the job with all lines. `record`: workers store the outcomes. `bulk`: workers create the modules with bulk calls instead. `done`: all work
   * items are handed out.
   */
  readonly phase: 'collect' | 'trial' | 'import' | 'record' | 'bulk' | 'done';
  /** When the job of the phase was started, ISO 8601. Before that, and in a phase without a job: when the phase began. */
  readonly since: string;
  /** The id of the job of this phase. Absent while the job is not started. */
  readonly jobId?: string;
  /** Ids of the devices whose module the trial created. The lines of the later job fail for them, because their modules exist. */
  readonly tried: readonly string[];
  /** Why the backfill went another way, for the operator. */
  readonly note?: string;
}

/** The states of the backfills, one entity each. `SweepStore` documents the methods. */
export interface Backfills {
  get(key: BackfillKey): Promise<Backfill | undefined>;
  put(backfill: Backfill): Promise<void>;
}

const schema = z.object({
  phase: z.enum(['collect', 'trial', 'import', 'record', 'bulk', 'done']),
  since: z.string(),
  jobId: z.exactOptional(z.string()),
  tried: z.array(z.string()),
  note: z.exactOptional(z.string()),
});

/**
 * Keeps the states in the table `TwinkeeperSweeps`, beside the counts of the work items of the same sweep. The row key has a dot, so the entity
 * does not count as a work item.
 */
export function createBackfills(table: () => Promise<TableClient>): Backfills {
  const keyOf = ({ sweepId, step }: BackfillKey) => [`${workItemsPrefix}${sweepId}`, `backfill.${step}`] as const;
  return {
    async get(key) {
      const entity = await (await table()).getEntity<Record<string, unknown>>(...keyOf(key)).catch(ignoreNotFound);
      if (entity === undefined) return undefined;
      const tried: unknown = JSON.parse(joinText('tried', entity) ?? '[]');
      return { sweepId: key.sweepId, step: key.step, ...schema.parse({ ...entity, tried }) };
    },
    async put({ sweepId, step, tried, ...plain }) {
      const [partitionKey, rowKey] = keyOf({ sweepId, step });
      const entity = { partitionKey, rowKey, ...plain, ...splitText('tried', JSON.stringify(tried)) };
      await (await table()).upsertEntity(entity, 'Replace');
    },
  };
}
