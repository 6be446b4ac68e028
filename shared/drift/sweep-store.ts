import { once } from '../once.ts';
import { newestFirst } from './keys.ts';
import { joinText, splitText } from './long-text.ts';
import { openTable, type StorageAccount } from './storage.ts';
import { entitiesOf, statusOf, unlessMissing } from './table-answers.ts';

/** What woke a sweep. */
export type SweepTrigger = 'timer' | 'manual';

/** What is on record about one sweep. */
export interface SweepRow {
  readonly v: 1;
  /** Sorts by the time of its start, newest first. */
  readonly id: string;
  readonly trigger: SweepTrigger;
  readonly startedAt: string;
  /** When everything had been asked; what was found may still be worked on. */
  readonly endedAt?: string;
  /** `running`, also where its process died: the next one goes on from its place. `done`, or `abandoned` where policies had changed. */
  readonly state: 'running' | 'done' | 'abandoned';
  /** How often it was gone on with after a deadline or a crash. */
  readonly resumed: number;
  /** Twins that were looked at one by one, because a query named them or their policy cannot be asked as a query. */
  readonly examined: number;
  /** Departures that the sweep found out of line, known ones included. */
  readonly found: number;
  /** Properties set back or removed, and modules created. */
  readonly changed: number;
  readonly hubCalls: number;
  /** Devices that could not be dealt with and are tried again. */
  readonly deferred: number;
  /** The parts that the work was handed out in, and how many of them are done. */
  readonly parts: number;
  readonly partsDone: number;
  /** When the last of them was done; absent before. */
  readonly lastPartAt?: string;
  /** Automatic configurations of the hub that compete with policies, each in a sentence. */
  readonly competing: readonly string[];
  /** Policies that cannot be asked as queries, each with the reason in a sentence: their modules were walked, or not swept at all. */
  readonly walked: readonly string[];
}

/** The numbers of a sweep that the parts of its work add to. */
export interface SweepTally {
  readonly examined: number;
  readonly found: number;
  readonly changed: number;
  readonly hubCalls: number;
  readonly deferred: number;
}

/** The sweep that is under way, held by one instance at a time. */
export interface SweepClaim {
  readonly id: string;
  /** Where the last holder had come to; JSON, the sweep's own affair. `undefined` at the beginning. */
  readonly place: unknown;
  readonly row: SweepRow;
  /** Whether the sweep was begun by an earlier holder. */
  readonly resumed: boolean;
}

/** What a walk over a whole hub is compared with: what the last complete one saw. */
export interface WalkMemory {
  readonly at: string;
  /** The counts of the hub at that time. */
  readonly counts: string;
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
  addPart(sweepId: string, part: string, tally: SweepTally): Promise<void>;
  /** Rows of sweeps with all parts added, newest first. */
  list(limit: number): Promise<readonly SweepRow[]>;
  get(id: string): Promise<SweepRow | undefined>;
  /** Bytes that a sweep must not lose when it is interrupted; written in one piece only if it comes to that. */
  saveBytes(sweepId: string, name: string, bytes: Uint8Array): Promise<void>;
  loadBytes(sweepId: string, name: string): Promise<Uint8Array | undefined>;
  /** What the last complete walk with this name saw. */
  recallWalk(name: string): Promise<WalkMemory | undefined>;
  rememberWalk(name: string, memory: WalkMemory): Promise<void>;
}

/*
 * Keys:
 *
 *   PartitionKey  `current`         RowKey `current`           the sweep under way: lead, place
 *                 `sweeps`          `<inverted start>-<hash>`  one row a sweep, newest first
 *                 `parts!<id>`      `<part>`                   what came of each part
 *                 `bytes!<id>`      `<name>!<n>`               what an interrupted sweep needs to go on
 *                 `walks`           `<name>`                   what the last complete walk saw
 */

/**
 * The lead is free again so long after it was last kept, in milliseconds: longer than a page of a query usually takes. Whoever takes longer
 * and has lost it meanwhile is told when it next keeps its place, and what it handed out since is handed out again.
 */
export const leadTime = 150_000;

/** 64 KiB a binary property and 1 MiB an entity (Table Storage data model), also where they are counted as the Base64 that is sent. */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 10;

/** The sweeps of a storage account. Errors of the storage service are thrown as they come. */
export function createSweepStore(account: StorageAccount, now: () => Date): SweepStore {
  const table = once(() => openTable(account, 'TwinkeeperSweeps'));
  const etags = new Map<string, string>();

  async function current(): Promise<Current | undefined> {
    const entity = await (await table()).getEntity<Record<string, unknown>>('current', 'current').catch(unlessMissing);
    return entity === undefined ? undefined : toCurrent(entity);
  }

  /** Writes the entity of the lead if nobody else has since it was read. */
  async function lead(sweepId: string, fields: Omit<Current, 'etag'>, etag: string | undefined): Promise<boolean> {
    const client = await table();
    const { text, ...plain } = fields;
    const entity = { partitionKey: 'current', rowKey: 'current', ...plain, ...splitText('text', text) };
    try {
      const answer =
        etag === undefined ? await client.createEntity(entity) : await client.updateEntity(entity, 'Replace', { etag });
      etags.set(sweepId, String(answer.etag));
      return true;
    } catch (error) {
      if (statusOf(error) === 409 || statusOf(error) === 412) return false;
      throw error;
    }
  }

  async function putRow(row: SweepRow): Promise<void> {
    const { competing, walked, id, ...plain } = row;
    await (await table()).upsertEntity(
      {
        partitionKey: 'sweeps',
        rowKey: id,
        ...plain,
        ...splitText('competing', JSON.stringify(competing)),
        ...splitText('walked', JSON.stringify(walked)),
      },
      'Replace',
    );
  }

  async function save(claim: SweepClaim, place: unknown, row: SweepRow, until: string): Promise<'kept' | 'lost'> {
    const etag = etags.get(claim.id);
    if (etag === undefined) return 'lost';
    const state = row.state === 'running' ? 'running' : 'over';
    const text = JSON.stringify({ place, row });
    if (!(await lead(claim.id, { sweepId: claim.id, until, state, text }, etag))) return 'lost';
    await putRow(row);
    return 'kept';
  }

  async function withParts(row: SweepRow): Promise<SweepRow> {
    let sum = row;
    for await (const entity of entitiesOf(await table(), `parts!${row.id}`)) {
      const number = (name: string) => (typeof entity[name] === 'number' ? entity[name] : 0);
      sum = {
        ...sum,
        examined: sum.examined + number('examined'),
        found: sum.found + number('found'),
        changed: sum.changed + number('changed'),
        hubCalls: sum.hubCalls + number('hubCalls'),
        deferred: sum.deferred + number('deferred'),
        partsDone: sum.partsDone + (String(entity.rowKey).includes('.') ? 0 : 1),
        ...(typeof entity.at === 'string' && entity.at > (sum.lastPartAt ?? '') ? { lastPartAt: entity.at } : {}),
      };
    }
    return sum;
  }

  return {
    async claim({ trigger, only }) {
      const held = await current();
      const time = now();
      const isFree = held === undefined || held.state === 'over' || held.until <= time.toISOString();
      if (!isFree) return undefined;
      const goesOn = held !== undefined && held.state === 'running';
      if (only !== undefined && (!goesOn || held.sweepId !== only)) return undefined;
      const until = new Date(time.getTime() + leadTime).toISOString();
      if (goesOn) {
        const { place, row: last } = contentOf(held);
        const row = { ...last, resumed: last.resumed + 1 };
        const fields = {
          sweepId: held.sweepId,
          until,
          state: 'running' as const,
          text: JSON.stringify({ place, row }),
        };
        if (!(await lead(held.sweepId, fields, held.etag))) return undefined;
        await putRow(row);
        return { id: held.sweepId, place, row, resumed: true };
      }
      // Whoever gave the lead up may have died before it wrote the row.
      if (held !== undefined) await putRow(contentOf(held).row);
      const row = newRow(trigger, time);
      const fields = { sweepId: row.id, until, state: 'running' as const, text: JSON.stringify({ row }) };
      if (!(await lead(row.id, fields, held?.etag))) return undefined;
      await putRow(row);
      return { id: row.id, place: undefined, row, resumed: false };
    },

    keep: (claim, place, row) => save(claim, place, row, new Date(now().getTime() + leadTime).toISOString()),

    async leave(claim, place, row) {
      const kept = await save(claim, place, row, new Date(0).toISOString());
      if (kept === 'lost' || row.state === 'running') return kept;
      // Nobody will go on with it.
      const client = await table();
      for await (const { rowKey } of entitiesOf(await table(), `bytes!${claim.id}`)) {
        await client.deleteEntity(`bytes!${claim.id}`, String(rowKey));
      }
      return kept;
    },

    async addPart(sweepId, part, tally) {
      const client = await table();
      const key = { partitionKey: `parts!${sweepId}`, rowKey: part };
      const known = await client.getEntity<Record<string, unknown>>(key.partitionKey, key.rowKey).catch(unlessMissing);
      const larger = Object.fromEntries(
        Object.entries(tally).map(([name, count]) => [name, Math.max(count, Number(known?.[name] ?? 0))]),
      );
      await client.upsertEntity({ ...key, ...larger, at: now().toISOString() }, 'Replace');
    },

    async list(limit) {
      const { odata } = await import('@azure/data-tables');
      const queryOptions = { filter: odata`PartitionKey eq ${'sweeps'}` };
      const pages = (await table()).listEntities<Record<string, unknown>>({ queryOptions });
      const rows: SweepRow[] = [];
      for await (const page of pages.byPage({ maxPageSize: Math.min(limit, 1000) })) {
        rows.push(...page.map(toRow).slice(0, limit - rows.length));
        if (rows.length === limit) break;
      }
      return Promise.all(rows.map(withParts));
    },

    async get(id) {
      const client = await table();
      const entity = await client.getEntity<Record<string, unknown>>('sweeps', id).catch(unlessMissing);
      return entity === undefined ? undefined : withParts(toRow(entity));
    },

    async saveBytes(sweepId, name, bytes) {
      const client = await table();
      const perEntity = bytesPerProperty * propertiesPerEntity;
      // Tells the pieces from those that an interrupted saving has left.
      const saving = crypto.randomUUID();
      for (let from = 0, part = 0; from < Math.max(1, bytes.length); from += perEntity, part++) {
        const slice = bytes.subarray(from, from + perEntity);
        const properties: Record<string, Uint8Array> = {};
        for (let start = 0, index = 0; start < slice.length; start += bytesPerProperty, index++) {
          properties[`b${index}`] = Uint8Array.from(slice.subarray(start, start + bytesPerProperty));
        }
        const rowKey = `${name}!${String(part).padStart(4, '0')}`;
        await client.upsertEntity(
          { partitionKey: `bytes!${sweepId}`, rowKey, saving, length: bytes.length, ...properties },
          'Replace',
        );
      }
    },

    async loadBytes(sweepId, name) {
      const chunks: Uint8Array[] = [];
      let length: number | undefined;
      let saving: unknown;
      for await (const entity of entitiesOf(await table(), `bytes!${sweepId}`)) {
        if (!String(entity.rowKey).startsWith(`${name}!`)) continue;
        length ??= Number(entity.length);
        saving ??= entity.saving;
        if (entity.saving !== saving) break;
        for (let index = 0; entity[`b${index}`] instanceof Uint8Array; index++) {
          chunks.push(entity[`b${index}`] as Uint8Array);
        }
      }
      const bytes = Buffer.concat(chunks);
      return length !== undefined && bytes.length >= length ? bytes.subarray(0, length) : undefined;
    },

    async recallWalk(name) {
      const client = await table();
      const entity = await client.getEntity<Record<string, unknown>>('walks', name).catch(unlessMissing);
      return entity === undefined ? undefined : { at: String(entity.at), counts: String(entity.counts) };
    },

    async rememberWalk(name, memory) {
      await (await table()).upsertEntity({ partitionKey: 'walks', rowKey: name, ...memory }, 'Replace');
    },
  };
}

/** The entity of the lead. */
interface Current {
  readonly sweepId: string;
  /** Until when the lead is held, ISO 8601. */
  readonly until: string;
  readonly state: 'running' | 'over';
  /** JSON: place and row. */
  readonly text: string;
  readonly etag: string;
}

function toCurrent(entity: Record<string, unknown>): Current {
  return {
    sweepId: String(entity.sweepId),
    until: String(entity.until),
    state: entity.state === 'running' ? 'running' : 'over',
    text: joinText('text', entity) ?? '',
    etag: String(entity.etag),
  };
}

function contentOf({ text }: Current): { readonly place: unknown; readonly row: SweepRow } {
  return JSON.parse(text) as { place: unknown; row: SweepRow };
}

function newRow(trigger: SweepTrigger, time: Date): SweepRow {
  return {
    v: 1,
    id: `${newestFirst(time.getTime())}-${crypto.randomUUID().slice(0, 8)}`,
    trigger,
    startedAt: time.toISOString(),
    state: 'running',
    resumed: 0,
    examined: 0,
    found: 0,
    changed: 0,
    hubCalls: 0,
    deferred: 0,
    parts: 0,
    partsDone: 0,
    competing: [],
    walked: [],
  };
}

function toRow(entity: Record<string, unknown>): SweepRow {
  const number = (name: string) => (typeof entity[name] === 'number' ? entity[name] : 0);
  return {
    v: 1,
    id: String(entity.rowKey),
    trigger: entity.trigger === 'manual' ? 'manual' : 'timer',
    startedAt: String(entity.startedAt),
    ...(typeof entity.endedAt === 'string' ? { endedAt: entity.endedAt } : {}),
    state: entity.state === 'done' || entity.state === 'abandoned' ? entity.state : 'running',
    resumed: number('resumed'),
    examined: number('examined'),
    found: number('found'),
    changed: number('changed'),
    hubCalls: number('hubCalls'),
    deferred: number('deferred'),
    parts: number('parts'),
    partsDone: 0,
    competing: texts(joinText('competing', entity)),
    walked: texts(joinText('walked', entity)),
  };
}

function texts(stored: string | undefined): readonly string[] {
  try {
    const list: unknown = JSON.parse(stored ?? '[]');
    return Array.isArray(list) ? list.map(String) : [];
  } catch {
    return [];
  }
}
