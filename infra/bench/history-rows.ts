import type { TransactionAction } from '@azure/data-tables';
import pMap from 'p-map';
import { type DriftRow, driftKey, type Outcome } from '../../shared/drift/index.ts';
import { toEntity } from '../../shared/drift/row-entity.ts';
import { hourOf, openListKey, timelineKey } from '../../shared/drift/timeline-keys.ts';
import { openTable, type StorageAccount } from '../../shared/storage/index.ts';
import { deviceIdOf } from './fleet.ts';

/** The time at which the history ends, in milliseconds since 1970. */
export const historyEnd = Date.UTC(2026, 5, 30, 23, 59);
const hourMs = 3600_000;
/** Number of days at the end of the history that have recent rows. */
export const days = 30;
/** In the recent days, one hour in this many hours has rows. The other hours have none. */
const hoursBetween = 6;
/** Number of recent rows. They are in the last {@link days} days of the history. */
export const recentRows = 10_000;
const rowsPerHour = recentRows / ((days * 24) / hoursBetween);
/** Number of rows in each hour before the recent days. */
const oldRowsPerHour = 1000;
const devices = 100;
/** Number of recent rows whose drift is not repaired. */
const openRows = 400;

/**
 * The row of the history with this number. Rows with numbers below {@link recentRows} are recent. Rows with higher numbers are older than
 * the recent days.
 */
export function rowAt(number: number): DriftRow {
  const isRecent = number < recentRows;
  const slot = isRecent
    ? Math.floor(number / rowsPerHour) * hoursBetween
    : Math.floor((number - recentRows) / oldRowsPerHour);
  const within = isRecent
    ? (number % rowsPerHour) / rowsPerHour
    : ((number - recentRows) % oldRowsPerHour) / oldRowsPerHour;
  const detectedAt = new Date(
    historyEnd - (isRecent ? 0 : days * 24 * hourMs + hourMs) - slot * hourMs - Math.floor(within * 58 * 60_000),
  ).toISOString();
  const isOpen = isRecent && number % (recentRows / openRows) === 0;
  const outcome: Outcome = isOpen ? 'audited' : 'enforced';
  const departure = {
    // Old rows belong to other devices than recent rows: old rows must not change the cost of reading one device's history.
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
    v: 2,
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

/**
 * Writes the rows with the numbers `from` up to, but not including, `to` into the tables, as the journal does. If `uncounted` is true,
 * marks the hours of these rows so that the roll-ups will count them. Otherwise also writes the counts of these hours.
 */
export async function putRows(account: StorageAccount, from: number, to: number, uncounted: boolean): Promise<void> {
  const rows = Array.from({ length: to - from }, (_, index) => rowAt(from + index));
  const timeline = rows.map((row) => ({ ...toEntity(row, ''), ...timelineKey(row) }));
  const drift = rows.map((row) => toEntity(row, row.rowKey));
  const open = rows
    .filter(({ outcome }) => outcome === 'audited')
    .map((row) => ({ ...toEntity(row, ''), ...openListKey(row) }));
  const hours = [...new Set(rows.map(({ detectedAt }) => hourOf(detectedAt)))];
  const marks = hours.map((rowKey) => ({ partitionKey: 'uncounted', rowKey }));
  await putAll(account, 'TwinkeeperTimeline', timeline);
  await putAll(account, 'TwinkeeperDrift', drift);
  await putAll(account, 'TwinkeeperOpen', open);
  if (uncounted) await putAll(account, 'TwinkeeperRollups', marks);
  else {
    const counted = hours.map((rowKey) => ({ partitionKey: rowKey.slice(0, 10), rowKey, total: oldRowsPerHour, v: 1 }));
    await putAll(account, 'TwinkeeperRollups', counted);
  }
}

/** The id of the device whose history the bench reads. */
export const queriedDevice = deviceIdOf(7);

/** Creates the table entities, in transactions of at most 100 entities. */
async function putAll(
  account: StorageAccount,
  name: string,
  entities: readonly { readonly partitionKey: string; readonly rowKey: string }[],
): Promise<void> {
  const table = await openTable(account, name);
  const transactions: TransactionAction[][] = [];
  for (const samePartition of Map.groupBy(entities, (entity) => entity.partitionKey).values()) {
    for (let start = 0; start < samePartition.length; start += 100) {
      transactions.push(samePartition.slice(start, start + 100).map((entity) => ['create', entity]));
    }
  }
  await pMap(transactions, (actions) => table.submitTransaction(actions), { concurrency: 4 });
}
