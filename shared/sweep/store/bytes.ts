import type { TableClient } from '@azure/data-tables';
import { listPartition } from '../../storage/index.ts';
import { bytesPrefix } from './keys.ts';

/** Named bytes of a sweep that must survive an interruption and are too large for its checkpoint. */
export interface SweepBytes {
  save(sweepId: string, name: string, bytes: Uint8Array): Promise<void>;
  /** `undefined` where nothing was saved, or where the last save was interrupted. */
  load(sweepId: string, name: string): Promise<Uint8Array | undefined>;
  /** Removes all bytes of a sweep. */
  clear(sweepId: string): Promise<void>;
}

/**
 * Table Storage allows 64 KiB per binary property and 1 MiB per entity (Table Storage data model). Both limits hold with room to spare,
 * even if the service counts the Base64 text of a request.
 */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 10;

/** Bytes in the table of sweeps. Each sweep has a partition of its own. */
export function createSweepBytes(table: () => Promise<TableClient>): SweepBytes {
  return {
    async save(sweepId, name, bytes) {
      const client = await table();
      const perEntity = bytesPerProperty * propertiesPerEntity;
      // All pieces of one save carry the same id, so that pieces of an interrupted save are recognized.
      const saving = crypto.randomUUID();
      for (let from = 0, piece = 0; from < Math.max(1, bytes.length); from += perEntity, piece++) {
        const slice = bytes.subarray(from, from + perEntity);
        const properties: Record<string, Uint8Array> = {};
        for (let start = 0, index = 0; start < slice.length; start += bytesPerProperty, index++) {
          properties[`b${index}`] = Uint8Array.from(slice.subarray(start, start + bytesPerProperty));
        }
        const rowKey = `${name}!${String(piece).padStart(4, '0')}`;
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
