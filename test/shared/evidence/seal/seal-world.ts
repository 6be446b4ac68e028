import type { TableClient } from '@azure/data-tables';
import { BlobServiceClient } from '@azure/storage-blob';
import { createActionLog } from '../../../../shared/actions/index.ts';
import { createJournal, createStoredRows, type DriftRow, withOutcome } from '../../../../shared/drift/index.ts';
import { createRollups } from '../../../../shared/drift/rollups.ts';
import { type SealFault, verifyAccount } from '../../../../shared/evidence/seal/index.ts';
import { type Content, readManifest, sealedContainer } from '../../../../shared/evidence/seal/manifest.ts';
import { filesOf } from '../../../../shared/evidence/seal/sealed-days.ts';
import { readLines } from '../../../../shared/evidence/seal/sealed-files.ts';
import { Sealer } from '../../../../shared/evidence/seal/sealer.ts';
import { createWriteOnceBlobs, openTable, type StorageAccount } from '../../../../shared/storage/index.ts';
import { collect, driftRow } from '../../../support/drift-rows.ts';
import { newStorageAccount } from '../../../support/storage.ts';

const begin = Date.UTC(2026, 0, 10);

/** The time that is `hours` hours after 2026-01-10T00:00Z, ISO 8601. */
export const at = (hours: number) => new Date(begin + hours * 3600_000).toISOString();

const tableNames = [
  'TwinkeeperDrift',
  'TwinkeeperTimeline',
  'TwinkeeperOpen',
  'TwinkeeperRollups',
  'TwinkeeperActions',
];

/** A storage account with a history, and a clock that the test sets. The clock begins at 2026-01-10T00:00Z. */
export type SealWorld = Awaited<ReturnType<typeof startSealWorld>>;

function inShort(fault: SealFault): string {
  if (fault.subject === 'row') return `row ${fault.row.deviceId} ${fault.fault} ${fault.table}`;
  if (fault.subject === 'action') return `action ${fault.fault}`;
  return `${fault.subject} ${fault.day} ${fault.fault}`;
}

interface SealOptions {
  readonly container?: string;
  readonly appVersion?: string;
  readonly mayContinue?: () => boolean;
  /** Wraps each part of storage, so that a test can end the process at one of its calls. */
  readonly mortal?: <T extends object>(target: T) => T;
}

/** Takes an empty storage account. */
export async function startSealWorld() {
  const { endpoints } = await newStorageAccount();
  let time = begin;
  const now = () => new Date(time);
  const journal = createJournal(endpoints, now);
  const blobs = createWriteOnceBlobs(endpoints, sealedContainer);
  const actions = createActionLog(endpoints, { now, appVersion: '1.0.0' });

  /** Writes rows to the journal. */
  async function record(...rows: readonly DriftRow[]): Promise<void> {
    for (const [deviceId, deviceRows] of Map.groupBy(rows, (row) => row.deviceId)) {
      await journal.write(deviceId, deviceRows, await journal.read(deviceId, at(-100_000)));
    }
  }

  return {
    account: endpoints as StorageAccount & { readonly connectionString: string },
    blobs,
    actions,
    rollups: createRollups(endpoints, now),
    record,
    now,
    /** Sets the clock to a number of hours after 2026-01-10T00:00Z. */
    setClock(hours: number) {
      time = Date.parse(at(hours));
    },
    /** Records a row whose drift was found at this hour. By default, it is repaired at once. */
    async drift(deviceId: string, hours: number, more: Partial<DriftRow> = {}): Promise<DriftRow> {
      time = Date.parse(at(hours));
      const row = driftRow(deviceId, at(hours), more);
      await record(row);
      return row;
    },
    /** Gives a row a further outcome at this hour. */
    async change(row: DriftRow, hours: number, outcome: DriftRow['outcome'], error?: string): Promise<DriftRow> {
      time = Date.parse(at(hours));
      const changed = withOutcome(row, { outcome, error, at: at(hours), by: 'sweep' });
      await record(changed);
      return changed;
    },
    /** Records an action at this hour. */
    async act(hours: number, reason: string): Promise<void> {
      time = Date.parse(at(hours));
      const by = { type: 'commandLine', user: 'ada', host: 'build-7' } as const;
      await actions.record(
        { action: 'release', by, target: { policy: 'agent' }, reason },
        async () => 1,
        () => 'done',
      );
    },
    /** Seals all whole days, as a process would that has just started. */
    async seal({
      appVersion = '1.0.0',
      container = sealedContainer,
      mayContinue = () => true,
      mortal = (target) => target,
    }: SealOptions = {}) {
      return new Sealer({
        blobs: mortal(createWriteOnceBlobs(endpoints, container)),
        rows: mortal(createStoredRows(endpoints)),
        actions: mortal(createActionLog(endpoints, { now, appVersion })),
        ...{ hub: 'hub', appVersion, now },
      }).run(mayContinue);
    },
    /** Replaces the bytes of a blob, or removes it, as somebody does who may write the container. */
    async forge(name: string, bytes?: Buffer): Promise<void> {
      const service = BlobServiceClient.fromConnectionString(endpoints.connectionString);
      const blob = service.getContainerClient(sealedContainer).getBlockBlobClient(name);
      if (bytes === undefined) await blob.delete();
      else await blob.upload(bytes, bytes.length);
    },
    async manifest(day: string) {
      const bytes = await blobs.read(`manifests/${day}.json`, 1_000_000);
      const manifest = Buffer.isBuffer(bytes) ? readManifest(bytes) : undefined;
      if (manifest === undefined) throw new Error(`There is no manifest of ${day}.`);
      return manifest;
    },
    /** The lines of a sealed day. */
    async lines<T = Readonly<Record<string, unknown>>>(day: string, content: Content): Promise<readonly T[]> {
      return collect(readLines<T>(blobs, filesOf(await this.manifest(day), content)));
    },
    /** Checks the seals. Returns the faults in short, and what was compared. */
    async verify(range: { readonly first?: string; readonly last?: string } = {}, keptHashes: readonly string[] = []) {
      const faults: SealFault[] = [];
      const report = { fault: (fault: SealFault) => void faults.push(fault), progress() {} };
      const verified = await verifyAccount(endpoints, { range, keptHashes, report, now });
      return { verified, all: faults, faults: faults.map(inShort).toSorted(), whats: faults.map(({ what }) => what) };
    },
    /** Changes an entity of a table, or removes it, as somebody does who may write the table. */
    async alter(
      tableName: string,
      isMeant: (entity: Readonly<Record<string, unknown>>) => boolean,
      change?: (entity: Readonly<Record<string, unknown>>) => object,
    ): Promise<void> {
      const table = await openTable(endpoints, tableName);
      const found = (await collect(table.listEntities<Record<string, unknown>>())).filter(isMeant);
      if (found.length === 0) throw new Error(`${tableName} has no such entity.`);
      for (const { etag: _, timestamp: __, ...entity } of found) {
        const [partitionKey, rowKey] = [String(entity.partitionKey), String(entity.rowKey)];
        if (change === undefined) await table.deleteEntity(partitionKey, rowKey);
        else await table.upsertEntity({ ...entity, partitionKey, rowKey, ...change(entity) }, 'Replace');
      }
    },
    /** Returns a function that puts all blobs, and all entities of the tables, back to the state of now. */
    async snapshot(): Promise<() => Promise<void>> {
      const files = new Map<string, Buffer>();
      for await (const name of blobs.list('')) files.set(name, (await blobs.read(name, 1_000_000)) as Buffer);
      const tables = await Promise.all(tableNames.map((name) => openTable(endpoints, name)));
      const stateOf = async (table: TableClient) =>
        new Map((await collect(table.listEntities())).map((each) => [`${each.partitionKey} ${each.rowKey}`, each]));
      const before = await Promise.all(tables.map(stateOf));
      return async () => {
        for await (const name of blobs.list('')) if (!files.has(name)) await this.forge(name);
        for (const [name, bytes] of files) {
          const stored = await blobs.read(name, 1_000_000);
          if (!Buffer.isBuffer(stored) || !bytes.equals(stored)) await this.forge(name, bytes);
        }
        for (const [index, table] of tables.entries()) {
          const now = await stateOf(table);
          for (const [key, { partitionKey, rowKey }] of now) {
            if (before[index]?.has(key) !== true) await table.deleteEntity(String(partitionKey), String(rowKey));
          }
          for (const [key, entity] of before[index] ?? []) {
            if (now.get(key)?.etag !== entity.etag) await table.upsertEntity(entity as never, 'Replace');
          }
        }
      };
    },
    /** The names of all blobs. A name has the hash of its blob. */
    names: (container = sealedContainer) => collect(createWriteOnceBlobs(endpoints, container).list('')),
  };
}
