import type { TableClient } from '@azure/data-tables';
import { listPartition } from '../../storage/index.ts';
import { bytesPrefix } from './keys.ts';

/** What a sweep must not lose when it is interrupted, and what is too large to be a part of its place. */
export interface SweepBytes {
  save(sweepId: string, name: string, bytes: Uint8Array): Promise<void>;
  load(sweepId: string, name: string): Promise<Uint8Array | undefined>;
  /** Removes all that was saved for a sweep. */
  clear(sweepId: string): Promise<void>;
}

/** 64 KiB a binary property and 1 MiB an entity (Table Storage data model), also where they are counted as the Base64 that is sent. */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 10;

/** Bytes in the table of the sweeps. What is read is the sweep's own partition of them. */
export function createSweepBytes(table: () => Promise<TableClient>): SweepBytes {
  return {
    async save(sweepId, name, bytes) {
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
          { partitionKey: `${bytesPrefix}${sweepId}`, rowKey, saving, length: bytes.length, ...properties },
          'Replace',
        );
      }
    },

    async load(sweepId, name) {
      const chunks: Uint8Array[] = [];
      let length: number | undefined;
      let saving: unknown;
      for await (const entity of listPartition(await table(), `${bytesPrefix}${sweepId}`)) {
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

    async clear(sweepId) {
      const client = await table();
      const partition = `${bytesPrefix}${sweepId}`;
      for await (const { rowKey } of listPartition(client, partition, ['rowKey'])) {
        await client.deleteEntity(partition, String(rowKey));
      }
    },
  };
}
