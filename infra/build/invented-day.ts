/** Writes a day of invented history for a new demo fleet. The charts of the dashboard then have data for the screenshot. */
import pMap from 'p-map';
import { createJournal, createRollups, type DriftRow, driftKey } from '../../shared/drift/index.ts';
import type { StorageAccount } from '../../shared/storage/index.ts';
import { demoPolicies } from '../local/demo/demo-policies.ts';
import { demoFleet } from '../local/demo/fleet.ts';
import { seededRandom } from '../local/demo/random.ts';

const minute = 60_000;
const hour = 60 * minute;

/** Writes rows for each of the 23 full hours before the current hour, as if the fleet had had drift and repairs all day. */
export async function inventDay(account: StorageAccount, devices: number): Promise<void> {
  const random = seededRandom(4);
  const fleet = demoFleet(devices);
  const policies = demoPolicies();
  const thisHour = Math.floor(Date.now() / hour) * hour;

  function invent(at: number): DriftRow {
    const policy = random.pick(policies);
    const { path, rule } = random.pick(policy.owned);
    const [kind, outcome] = random.pick([
      ...(['wrongValue', 'wrongValue', 'missingProperty'] as const).map((its) => [its, 'enforced'] as const),
      ...[
        ['wrongValue', 'enforced'] as const,
        ['missingModule', 'created'] as const,
        ['wrongValue', 'healed'] as const,
      ],
    ]);
    const time = (after: number) => new Date(at + after).toISOString();
    const detected = 40 + random.below(400);
    const departure = {
      deviceId: random.pick(fleet).deviceId,
      moduleId: policy.module,
      policy: policy.name,
      path: kind === 'missingModule' ? '' : path.join('.'),
      kind,
      expected: 'value' in rule ? rule.value : undefined,
      actual: kind === 'wrongValue' ? 'Sometimes' : undefined,
      write: { version: 2 + random.below(1000), at: time(0), exact: true },
      mode: policy.mode,
    } as const;
    return {
      ...departure,
      v: 2,
      hub: 'localhost',
      rowKey: driftKey(departure),
      detectedAt: time(detected),
      source: random.below(8) === 0 ? 'sweep' : 'event',
      operationTimestamp: time(0),
      outcome,
      outcomeAt: time(detected + 30 + random.below(900)),
    };
  }

  for (let start = thisHour - 23 * hour; start < thisHour; start += hour) {
    const end = new Date(start + hour - minute);
    const journal = createJournal(account, () => end);
    // More rows for hours of the day than for hours of the night.
    const busy = 1 + Math.sin(((start / hour) % 24) / 3.8) ** 2;
    const rows = Array.from({ length: Math.floor(busy * (8 + random.below(14))) }, () =>
      invent(start + random.below(55 * minute)),
    );
    const write = async (row: DriftRow) => {
      // The app writes the histories of the same devices at the same time, so a conflict is possible.
      const attempt = async () => journal.write(row.deviceId, [row], await journal.read(row.deviceId));
      while ((await attempt()) === 'conflict');
    };
    await pMap(rows, write, { concurrency: 8 });
    // Some drifts are not repaired yet when the roll-ups count the hour. They are repaired right after.
    const late = Array.from({ length: random.below(3) }, () => invent(end.getTime() - minute));
    const open = late.map((row): DriftRow => ({ ...row, outcome: 'deferred' }));
    for (const row of open) await write(row);
    await createRollups(account, () => end).refresh(
      policies.map(({ name }) => ({ name, devices })),
      { fleet: devices },
    );
    for (const row of late) await write(row);
  }
}
