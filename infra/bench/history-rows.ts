import type { TransactionAction } from '@azure/data-tables';
import pMap from 'p-map';
import { type DriftRow, driftKey, type Outcome } from '../../shared/drift/index.ts';
import { toEntity } from '../../shared/drift/row-entity.ts';
import { openListKey, timelineKey } from '../../shared/drift/timeline-keys.ts';
import { openTable, type StorageAccount } from '../../shared/storage/index.ts';
import { deviceIdOf } from './fleet.ts';

/** When the history that is asked for ends. */
export const newest = Date.UTC(2026, 5, 30, 23, 59);
const hour = 3600_000;
export const days = 30;
/** Every so many hours of those days something is detected. */
const hoursBetween = 6;
export const recentRows = 10_000;
const rowsPerHour = recentRows / ((days * 24) / hoursBetween);
/** Rows of the time before, in full hours. */
const oldRowsPerHour = 1000;
const devices = 100;
export const openRows = 400;

/** The row with this number: those below {@link recentRows} are of the last days, the others of the time before. */
export function rowAt(number: number): DriftRow {
  const isRecent = number < recentRows;
  const slot = isRecent
    ? Math.floor(number / rowsPerHour) * hoursBetween
    : Math.floor((number - recentRows) / oldRowsPerHour);
  const within = isRecent
    ? (number % rowsPerHour) / rowsPerHour
    : ((number - recentRows) % oldRowsPerHour) / oldRowsPerHour;
  const detectedAt = new Date(
    newest - (isRecent ? 0 : days * 24 * hour + hour) - slot * hour - Math.floor(within * 58 * 60_000),
  ).toISOString();
  const isOpen = isRecent && number % (recentRows / openRows) === 0;
  const outcome: Outcome = isOpen ? 'audited' : 'enforced';
  const departure = {
    // Old rows are of other devices: what a device's own history costs must not depend on them.
    deviceId: deviceIdOf((number % devices) + (isRecent ? 0 : devices)),
    moduleId: 'DefenderIotMicroAgent',
    policy: number % 4 === 0 ? 'azureiotsecurity' : 'defender-micro-agent',
    path: `Collector${number % 23}_MessageFrequency`,
    kind: 'wrongValue',
    expected: 'Medium',
    actual: `Never-${number}`,
    write: { version: 2 + (number % 50), at: detectedAt, exact: true },
    mode: isOpen ? 'audit' : 'enforce',
  } as const;
  return {
    ...departure,
    v: 1,
    hub: 'bench-hub.azure-devices.net',
    rowKey: driftKey(departure),
    detectedAt,
    source: 'event',
    operationTimestamp: detectedAt,
    correlationId: `correlation-${number}`,
    outcome,
    outcomeAt: detectedAt,
  };
}

/** Puts rows into the tables as the journal leaves them, in transactions of a hundred, with the mark that their hours are to be counted. */
export async function putRows(account: StorageAccount, from: number, to: number, marked: boolean): Promise<void> {
  const rows = Array.from({ length: to - from }, (_, index) => rowAt(from + index));
  const timeline = rows.map((row) => ({ ...toEntity(row, ''), ...timelineKey(row) }));
  const drift = rows.map((row) => toEntity(row, row.rowKey));
  const open = rows
    .filter(({ outcome }) => outcome === 'audited')
    .map((row) => ({ ...toEntity(row, ''), ...openListKey(row) }));
  const hours = [...new Set(timeline.map((entity) => entity.partitionKey))];
  const marks = hours.map((rowKey) => ({ partitionKey: 'uncounted', rowKey }));
  await putAll(account, 'TwinkeeperTimeline', timeline);
  await putAll(account, 'TwinkeeperDrift', drift);
  await putAll(account, 'TwinkeeperOpen', open);
  if (marked) await putAll(account, 'TwinkeeperRollups', marks);
  else {
    const counted = hours.map((rowKey) => ({ partitionKey: rowKey.slice(0, 10), rowKey, total: oldRowsPerHour, v: 1 }));
    await putAll(account, 'TwinkeeperRollups', counted);
  }
}

/** Whose rows are asked for. */
export const askedDevice = deviceIdOf(7);

async function putAll(
  account: StorageAccount,
  name: string,
  entities: readonly { readonly partitionKey: string; readonly rowKey: string }[],
): Promise<void> {
  const table = await openTable(account, name);
  const transactions: TransactionAction[][] = [];
  for (const sharing of Map.groupBy(entities, (entity) => entity.partitionKey).values()) {
    for (let start = 0; start < sharing.length; start += 100) {
      transactions.push(sharing.slice(start, start + 100).map((entity) => ['create', entity]));
    }
  }
  await pMap(transactions, (actions) => table.submitTransaction(actions), { concurrency: 4 });
}
