import type { TableClient } from '@azure/data-tables';
import { ignoreNotFound, joinText, splitText, statusOf } from '../../storage/index.ts';
import { leadKey } from './keys.ts';
import type { SweepRow } from './row.ts';

/** Who has the lead of which sweep, and how far that has come. */
export interface Lead {
  readonly sweepId: string;
  /** Until when the lead is held, ISO 8601. */
  readonly until: string;
  readonly state: 'running' | 'over';
  readonly place: unknown;
  readonly row: SweepRow;
}

/** A lead as it was found, which may be replaced as long as nobody else has. */
export interface FoundLead extends Lead {
  readonly etag: string;
}

/** The one entity that says which sweep is under way. */
export interface SweepLead {
  find(): Promise<FoundLead | undefined>;
  /** Writes the lead if it is still as it was found. Whether it was. */
  take(lead: Lead, found: FoundLead | undefined): Promise<boolean>;
  /** Writes the lead if nobody has since it was taken here. Whether it was; not where this sweep's was never taken here. */
  keep(lead: Lead): Promise<boolean>;
}

/** The lead in the table of the sweeps: one entity, read by its key. */
export function createSweepLead(table: () => Promise<TableClient>): SweepLead {
  /** Of the leads that are held here, by sweep: as they were last written. */
  const etags = new Map<string, string>();

  async function write(lead: Lead, etag: string | undefined): Promise<boolean> {
    const client = await table();
    const { place, row, ...plain } = lead;
    const entity = { ...leadKey, ...plain, ...splitText('text', JSON.stringify({ place, row })) };
    try {
      const answer =
        etag === undefined ? await client.createEntity(entity) : await client.updateEntity(entity, 'Replace', { etag });
      etags.set(lead.sweepId, String(answer.etag));
      return true;
    } catch (error) {
      if (statusOf(error) === 409 || statusOf(error) === 412) return false;
      throw error;
    }
  }

  return {
    async find() {
      const { partitionKey, rowKey } = leadKey;
      const entity = await (await table())
        .getEntity<Record<string, unknown>>(partitionKey, rowKey)
        .catch(ignoreNotFound);
      return entity === undefined ? undefined : toLead(entity);
    },

    take: (lead, found) => write(lead, found?.etag),

    async keep(lead) {
      const etag = etags.get(lead.sweepId);
      return etag === undefined ? false : write(lead, etag);
    },
  };
}

function toLead(entity: Readonly<Record<string, unknown>>): FoundLead {
  const { place, row } = JSON.parse(joinText('text', entity) ?? '') as Pick<Lead, 'place' | 'row'>;
  return {
    sweepId: String(entity.sweepId),
    until: String(entity.until),
    state: entity.state === 'running' ? 'running' : 'over',
    place,
    row,
    etag: String(entity.etag),
  };
}
