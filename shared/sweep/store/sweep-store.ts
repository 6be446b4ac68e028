import { once } from '../../once.ts';
import { ignoreNotFound, openTable, type StorageAccount } from '../../storage/index.ts';
import { createSweepBytes } from './bytes.ts';
import { memos, sweepTable } from './keys.ts';
import { createSweepLead } from './lead.ts';
import { newSweepRow, type SweepCounts, type SweepRow, type SweepTrigger } from './row.ts';
import { createSweepRows } from './rows.ts';

/** The sweep that is under way, held by one instance at a time. */
export interface SweepClaim {
  readonly id: string;
  /** Where the last holder had come to; JSON, the sweep's own affair. `undefined` at the beginning. */
  readonly place: unknown;
  readonly row: SweepRow;
  /** Whether the sweep was begun by an earlier holder. */
  readonly resumed: boolean;
}

/** What a step of one sweep tells that of the next. */
export interface SweepMemo {
  readonly at: string;
  readonly text: string;
}

/** The table `TwinkeeperSweeps`: the sweep under way with its place, and a row for each sweep that there was. */
export interface SweepStore {
  /**
   * Takes the lead: of the sweep that is under way but held by nobody, or else of a new one, unless `only` names the one sweep that is
   * wanted. `undefined`: another instance is sweeping, or there is nothing to go on with.
   */
  claim(wish: { readonly trigger: SweepTrigger; readonly only?: string }): Promise<SweepClaim | undefined>;
  /** Keeps the place and the row, and the lead for longer. `lost`: somebody else has taken it meanwhile; stop. */
  keep(claim: SweepClaim, place: unknown, row: SweepRow): Promise<'kept' | 'lost'>;
  /** Keeps both and gives the lead up. After `done` the next claim begins a new sweep. */
  leave(claim: SweepClaim, place: unknown, row: SweepRow): Promise<'kept' | 'lost'>;
  /**
   * Notes what came of a part. Noted twice, as after a redelivery, the larger numbers count. `<part>.<n>` is the nth time that what the
   * part had to put off is tried again: its numbers count as well, but it is no part of its own.
   */
  addPart(sweepId: string, part: string, tally: SweepCounts): Promise<void>;
  /** Rows of sweeps with all parts added, newest first: those that were begun before the one with the id `after`. */
  list(limit: number, after?: string): Promise<readonly SweepRow[]>;
  get(id: string): Promise<SweepRow | undefined>;
  /** Bytes that a sweep must not lose when it is interrupted; written in one piece only if it comes to that. */
  saveBytes(sweepId: string, name: string, bytes: Uint8Array): Promise<void>;
  loadBytes(sweepId: string, name: string): Promise<Uint8Array | undefined>;
  /** What was noted last under this name. */
  recallMemo(name: string): Promise<SweepMemo | undefined>;
  keepMemo(name: string, note: SweepMemo): Promise<void>;
}

/**
 * The lead is free again so long after it was last kept, in milliseconds: longer than a page of a query usually takes. Whoever takes longer
 * and has lost it meanwhile is told when it next keeps its place, and what it handed out since is handed out again.
 */
export const leadTime = 150_000;

/** The sweeps of a storage account. Errors of the storage service are thrown as they come. */
export function createSweepStore(account: StorageAccount, now: () => Date): SweepStore {
  const table = once(() => openTable(account, sweepTable));
  const lead = createSweepLead(table);
  const rows = createSweepRows(table, now);
  const bytes = createSweepBytes(table);

  async function save(claim: SweepClaim, place: unknown, row: SweepRow, until: Date): Promise<'kept' | 'lost'> {
    const state = row.state === 'running' ? 'running' : 'over';
    if (!(await lead.keep({ sweepId: claim.id, until: until.toISOString(), state, place, row }))) return 'lost';
    await rows.put(row);
    return 'kept';
  }

  return {
    async claim({ trigger, only }) {
      const held = await lead.find();
      const time = now();
      const isFree = held === undefined || held.state === 'over' || held.until <= time.toISOString();
      if (!isFree) return undefined;
      const goesOn = held !== undefined && held.state === 'running';
      if (only !== undefined && (!goesOn || held.sweepId !== only)) return undefined;
      const until = new Date(time.getTime() + leadTime).toISOString();
      if (goesOn) {
        const { place, sweepId } = held;
        const row = { ...held.row, resumed: held.row.resumed + 1 };
        if (!(await lead.take({ sweepId, until, state: 'running', place, row }, held))) return undefined;
        await rows.put(row);
        return { id: sweepId, place, row, resumed: true };
      }
      // Whoever gave the lead up may have died before it wrote the row.
      if (held !== undefined) await rows.put(held.row);
      const row = newSweepRow(trigger, time);
      const begun = { sweepId: row.id, until, state: 'running' as const, place: undefined, row };
      if (!(await lead.take(begun, held))) return undefined;
      await rows.put(row);
      return { id: row.id, place: undefined, row, resumed: false };
    },

    keep: (claim, place, row) => save(claim, place, row, new Date(now().getTime() + leadTime)),

    async leave(claim, place, row) {
      const kept = await save(claim, place, row, new Date(0));
      // Nobody will go on with it.
      if (kept === 'kept' && row.state !== 'running') await bytes.clear(claim.id);
      return kept;
    },

    addPart: (sweepId, part, tally) => rows.addPart(sweepId, part, tally),
    list: (limit, after) => rows.list(limit, after),
    get: (id) => rows.get(id),
    saveBytes: (sweepId, name, saved) => bytes.save(sweepId, name, saved),
    loadBytes: (sweepId, name) => bytes.load(sweepId, name),

    async recallMemo(name) {
      const client = await table();
      const entity = await client.getEntity<Record<string, unknown>>(memos, name).catch(ignoreNotFound);
      return entity === undefined ? undefined : { at: String(entity.at), text: String(entity.text) };
    },

    async keepMemo(name, note) {
      await (await table()).upsertEntity({ partitionKey: memos, rowKey: name, ...note }, 'Replace');
    },
  };
}
