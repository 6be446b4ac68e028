import type { TableClient } from '@azure/data-tables';
import { listPartition } from '../../storage/index.ts';
import { bytesPrefix } from './keys.ts';

/** Named bytes that a sweep needs after an interruption, and that are too large for its checkpoint. */
export interface SweepBytes {
  save(sweepId: string, name: string, bytes: Uint8Array): Promise<void>;
  /** Returns the saved bytes, or `undefined` where nothing was saved or the last save was interrupted. */
  load(sweepId: string, name: string): Promise<Uint8Array | undefined>;
  /** Removes all bytes of a sweep. */
  clear(sweepId: string): Promise<void>;
}

/**
 * Limits below those of Table Storage: 64 KiB per binary property, and 1 MiB per entity. Base64 text is a third larger than its bytes, and
 * still fits.
 */
const bytesPerProperty = 60_000;
const propertiesPerEntity = 10;

/** Saves bytes in the table `TwinkeeperSweeps`. Each sweep has its own partition. */
export function createSweepBytes(table: () => Promise<TableClient>): SweepBytes {
  return {
    async save(sweepId, name, bytes) {
      const client = await table();
      const perEntity = bytesPerProperty * propertiesPerEntity;
      // All pieces of one save carry the same id. So `load` can recognize the pieces of an interrupted save.
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
