import type { TableClient } from '@azure/data-tables';
import { IdSet } from '../id-set.ts';
import { once } from '../once.ts';
import { joinText, listPartition, loadFilterTag, openTable, type StorageAccount, splitText } from '../storage/index.ts';
import { openListTable, rollupTable } from './history-index.ts';
import { openShards } from './timeline-keys.ts';

/** Counts of the open list. */
export interface OpenCounts {
  /** The time at which the count began, ISO 8601. Later changes are not in the counts. */
  readonly countedAt: string;
  /** Number of open rows. */
  readonly total: number;
  /** Number of devices with open rows, by policy. */
  readonly devices: ReadonlyMap<string, number>;
  /**
   * Number of devices with open rows, each counted once, however many policies it breaks. `undefined` when the stored counts are those of an
   * app that did not count it.
   */
  readonly outOfLine: number | undefined;
  /**
   * Number of open rows by reason: the outcome, and for `heldBack` and `deferred` the first word of the error. Examples: `audited`,
   * `heldBack: contested`, `deferred: settling`.
   */
  readonly reasons: ReadonlyMap<string, number>;
}

/**
 * The counters of the open list: one stored entity for each shard. Each write of an entity replaces a whole count of its shard. A crash
 * therefore leaves an older count with its true time, and never a wrong one.
 *
 * Devices are counted here, and not where rows are written. A device may have open rows of several policies, and a pass knows only the rows of
 * the twins that it looked at: to know whether the device had another open row, each write would need one more read, and a counter that each
 * write changes would need one more transaction and would be contested by the whole fleet. The roll-up reads every open row anyway. All rows of
 * a device are in one shard, so the devices of the shards add up, and no device is counted twice.
 */
export interface OpenCounters {
  /** Counts the rows of the open list again and stores the counts. Reads all shards at the same time, without the values of properties. */
  refresh(): Promise<OpenCounts>;
  /**
   * Reads the counts. Reads at most {@link mostEntities} entities, whatever is open. Counts the rows now when few rows are open. Otherwise
   * returns the stored counts, or the counts of the rows that the call has read where these are larger.
   */
  read(): Promise<OpenCounts>;
}

/** Maximum number of entities that {@link OpenCounters.read} reads: the counters, the rows, and one row more that shows that rows are left. */
const mostEntities = 49;
const mostRows = mostEntities - openShards.length - 1;
/** Maximum number of requests for these rows. Table Storage may answer a query over several partitions in parts. */
const mostRequests = 10;

/** PartitionKey of the counters in the roll-up table. The RowKey is the name of the shard. */
const countersPartition = 'open';
const countedColumns = ['rowKey', 'outcome', 'error'];

/** Opens the counters of a storage account. Errors of the storage service are thrown unchanged. */
export function createOpenCounters(account: StorageAccount, now: () => Date): OpenCounters {
  const openList = once(() => openTable(account, openListTable));
  const rollups = once(() => openTable(account, rollupTable));

  async function countShard(shard: string): Promise<OpenCounts> {
    const counter = new OpenCounter(now().toISOString());
    for await (const row of listPartition(await openList(), shard, countedColumns)) counter.add(row);
    const counts = counter.counts();
    const { countedAt, total, devices, outOfLine, reasons } = counts;
    const text = JSON.stringify({ devices: Object.fromEntries(devices), reasons: Object.fromEntries(reasons) });
    await (await rollups()).upsertEntity(
      {
        partitionKey: countersPartition,
        rowKey: shard,
        v: 1,
        countedAt,
        total,
        outOfLine,
        ...splitText('counts', text),
      },
      'Replace',
    );
    return counts;
  }

  async function refresh(): Promise<OpenCounts> {
    return sum(await Promise.all(openShards.map(countShard)));
  }

  async function readCounters(): Promise<readonly OpenCounts[]> {
    const shards: OpenCounts[] = [];
    for await (const entity of listPartition(await rollups(), countersPartition)) {
      const { devices, reasons } = JSON.parse(joinText('counts', entity) ?? '{}') as StoredCounts;
      shards.push({
        countedAt: String(entity.countedAt),
        total: Number(entity.total),
        devices: new Map(Object.entries(devices)),
        outOfLine: typeof entity.outOfLine === 'number' ? entity.outOfLine : undefined,
        reasons: new Map(Object.entries(reasons)),
      });
    }
    return shards;
  }

  return {
    refresh,

    async read() {
      const [stored, { counts, isComplete }] = await Promise.all([
        readCounters(),
        openList().then((client) => countFirstRows(client, now().toISOString())),
      ]);
      if (isComplete) return counts;
      // Nothing is stored before the first roll-up after an update of the app.
      return stored.length < openShards.length ? await refresh() : atLeast(sum(stored), counts);
    },
  };
}

interface StoredCounts {
  readonly devices: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Record<string, number>>;
}

/** Counts rows of the open list in the order of their keys. */
class OpenCounter {
  total = 0;
  readonly #devices = new Map<string, number>();
  readonly #reasons = new Map<string, number>();
  readonly #countedAt: string;
  /** The devices with open rows. A hash for each device: a device id would keep the text of its whole response in memory. */
  readonly #outOfLine = new IdSet('open');
  #last = '';

  constructor(countedAt: string) {
    this.#countedAt = countedAt;
  }

  add({ rowKey, outcome, error }: Readonly<Record<string, unknown>>): void {
    this.total++;
    increase(this.#reasons, reasonOf(String(outcome), String(error ?? '')));
    // Keys of the open list sort by policy and then by device, so all rows of one device and policy follow each other.
    const [policy = '', device = ''] = String(rowKey).split('!');
    if (`${policy}!${device}` === this.#last) return;
    this.#last = `${policy}!${device}`;
    increase(this.#devices, policy);
    this.#outOfLine.add(device);
  }

  counts(): OpenCounts {
    return {
      countedAt: this.#countedAt,
      total: this.total,
      devices: this.#devices,
      outOfLine: this.#outOfLine.size,
      reasons: this.#reasons,
    };
  }
}

/** Counts at most the first {@link mostRows} rows of the open list. Asks for one row more, which shows whether rows are left. */
async function countFirstRows(openList: TableClient, countedAt: string) {
  const odata = await loadFilterTag();
  const filter = odata`PartitionKey ge ${openShards[0]} and PartitionKey le ${openShards.at(-1) ?? ''}`;
  const entities = openList.listEntities<Record<string, unknown>>({ queryOptions: { filter, select: countedColumns } });
  const counter = new OpenCounter(countedAt);
  let continuationToken: string | undefined;
  for (let requests = 0; requests < mostRequests; requests++) {
    const { value: page } = await entities
      .byPage({
        maxPageSize: mostRows + 1 - counter.total,
        ...(continuationToken === undefined ? {} : { continuationToken }),
      })
      .next();
    for (const row of page ?? []) {
      if (counter.total === mostRows) return { counts: counter.counts(), isComplete: false };
      counter.add(row);
    }
    continuationToken = page?.continuationToken;
    if (continuationToken === undefined) return { counts: counter.counts(), isComplete: true };
  }
  return { counts: counter.counts(), isComplete: false };
}

function sum(parts: readonly OpenCounts[]): OpenCounts {
  const devices = new Map<string, number>();
  const reasons = new Map<string, number>();
  for (const part of parts) {
    for (const [policy, count] of part.devices) increase(devices, policy, count);
    for (const [reason, count] of part.reasons) increase(reasons, reason, count);
  }
  const total = parts.reduce((all, part) => all + part.total, 0);
  const outOfLine = parts.reduce<number | undefined>(
    (all, part) => (all === undefined || part.outOfLine === undefined ? undefined : all + part.outOfLine),
    0,
  );
  return { countedAt: parts.map((part) => part.countedAt).toSorted()[0] ?? '', total, devices, outOfLine, reasons };
}

/** The stored counts, where the rows that are certainly open do not show a larger number. */
function atLeast(stored: OpenCounts, read: OpenCounts): OpenCounts {
  const larger = (a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>) =>
    new Map([...a.keys(), ...b.keys()].map((name) => [name, Math.max(a.get(name) ?? 0, b.get(name) ?? 0)]));
  return {
    countedAt: stored.countedAt,
    total: Math.max(stored.total, read.total),
    devices: larger(stored.devices, read.devices),
    outOfLine: stored.outOfLine === undefined ? undefined : Math.max(stored.outOfLine, read.outOfLine ?? 0),
    reasons: larger(stored.reasons, read.reasons),
  };
}

function reasonOf(outcome: string, error: string): string {
  const word = outcome === 'heldBack' || outcome === 'deferred' ? /^([a-zA-Z]{1,40}): /.exec(error)?.[1] : undefined;
  return word === undefined ? outcome : `${outcome}: ${word}`;
}

function increase(counts: Map<string, number>, name: string, by = 1): void {
  counts.set(name, (counts.get(name) ?? 0) + by);
}
