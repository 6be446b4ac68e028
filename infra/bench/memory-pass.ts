import pMap from 'p-map';
import { type DriftRow, driftKey } from '../../shared/drift/index.ts';
import { toEntity } from '../../shared/drift/row-entity.ts';
import { openTable, type StorageAccount } from '../../shared/storage/index.ts';
import { startAzurite } from '../local/azurite.ts';
import type { Report } from './bench.ts';
import { bundleChild } from './bundle-child.ts';
import type { HeapPeak } from './heap-watch.ts';
import { measureInChild } from './measure-in-child.ts';

/** Number of history rows of the device with the short history. */
const few = 100;
/** Number of history rows of the device with the long history. */
const many = 100_000;
const moduleId = 'Agent';
/**
 * Length of the time in which all rows were written, in milliseconds: one hour. A pass reads the rows of more than the last hour for its
 * guards, so all rows are in the range that it reads.
 */
const writingTime = 60 * 60_000;
/** Number of passes during which the heap is measured. */
const passes = 10;

/** Compares the largest heap size of a pass over a device with a long history with that of a pass over a device with a short history. */
export async function measurePassMemory(folder: string, report: Report): Promise<void> {
  const azurite = await startAzurite();
  try {
    const child = await bundleChild('device-pass', folder);
    const measure = async (rows: number) => {
      const deviceId = `device-with-${rows}-rows`;
      report.progress(`writing ${rows} history rows of one device`);
      await putRows(azurite.endpoints, deviceId, rows);
      report.progress(`${passes} passes over the device`);
      return measureInChild<HeapPeak>({
        child,
        options: { ...azurite.endpoints, deviceId, moduleId, passes },
        nodeOptions: ['--expose-gc'],
      });
    };
    const peer = await measure(few);
    const ours = await measure(many);
    report.measured({
      case: 'pass',
      ours: ours.peak / 1e6,
      peer: peer.peak / 1e6,
      unit: 'MB',
      target: { atMost: 1.5 },
      note: `largest heap with buffers during ${passes} passes over a device with ${many} history rows of the last hour. Peer: ${few} rows. Garbage collected before each of ${ours.samples} and ${peer.samples} samples, in a child process.`,
    });
  } finally {
    await azurite.close();
  }
}

/** Writes closed rows of one property of the device into the journal, all of them in the last hour. */
async function putRows(account: StorageAccount, deviceId: string, count: number): Promise<void> {
  const table = await openTable(account, 'TwinkeeperDrift');
  const end = Date.now();
  const rowAt = (number: number): DriftRow => {
    const at = new Date(end - Math.floor((number * writingTime) / count)).toISOString();
    const departure = {
      ...({ deviceId, moduleId, policy: 'agent', path: 'mode', kind: 'wrongValue', mode: 'enforce' } as const),
      ...{ expected: 'High', actual: `wrong ${number} `.padEnd(500, 'x') },
      write: { version: count - number + 1, at, exact: true },
    };
    return {
      ...departure,
      ...({ v: 2, hub: 'bench-hub', rowKey: driftKey(departure), source: 'event', outcome: 'superseded' } as const),
      ...{ detectedAt: at, outcomeAt: at },
    };
  };
  const starts = Array.from({ length: Math.ceil(count / 100) }, (_, index) => index * 100);
  const put = async (start: number) => {
    const rows = Array.from({ length: Math.min(100, count - start) }, (_, index) => rowAt(start + index));
    await table.submitTransaction(rows.map((row) => ['create', toEntity(row, row.rowKey)]));
  };
  await pMap(starts, put, { concurrency: 4 });
}
