import { app, type InvocationContext, type Timer } from '@azure/functions';
import type { InForce } from '../shared/evidence/index.ts';
import type { Versions } from '../shared/policy/index.ts';
import type { LazyApp } from './lazy-app.ts';

/** Milliseconds after which `retention` starts no further batch of removals. The run on the next day continues. */
const retentionTime = 4 * 60_000;

/** Milliseconds after which `roll-up` counts no further rows of the history. The next run continues. */
const rollupTime = 3 * 60_000;

/**
 * Registers the two timer functions that maintain the history. The function `roll-up` counts the history rows of each hour, so that the
 * summary of the API reads counts instead of rows, keeps the definitions of the policies, takes the day's snapshot of open rows, and logs the
 * status line. The function `retention`
 * removes what is older than the setting `TWINKEEPER_RETENTION_DAYS`: sweeps, closed history rows, records of actions, replayed dead letters,
 * snapshots of open rows, and counts of unusable events. It also removes the twins that no longer count against a blast radius, the use of the hub on earlier days, and the
 * blobs of jobs that crashed.
 */
export function registerHousekeeping(twinkeeper: LazyApp): void {
  const { settings } = twinkeeper;
  app.timer('roll-up', {
    schedule: settings.rollupSchedule,
    async handler(_timer: Timer, context: InvocationContext) {
      const loaded = await twinkeeper.load();
      const { policies, rollups, openSnapshots, guardStore, policyVersions, versions } = loaded;
      await policyVersions.record(policies.all, versions.app, async (before) => {
        const { recordPolicyChanges } = await import('./record-policy-changes.ts');
        await recordPolicyChanges(before, loaded);
        context.info(describeChange(before, versions));
      });
      const [fleet, ...deviceCounts] = await Promise.all([
        guardStore.fleetCount(),
        ...policies.all.map(async ({ name }) => ({ name, devices: await guardStore.deviceCount(name) })),
      ]);
      const started = loaded.now().getTime();
      const open = await rollups.refresh(deviceCounts, {
        fleet: fleet?.devices,
        mayContinue: () => loaded.now().getTime() - started < rollupTime,
      });
      await openSnapshots.takeDaily();
      const { reportStatus } = await import('./report-status.ts');
      await reportStatus(loaded, open, (line) => context.info(line));
    },
  });
  app.timer('retention', {
    schedule: '0 30 2 * * *',
    async handler(_timer: Timer, context: InvocationContext) {
      const loaded = await twinkeeper.load();
      const { retention, openSnapshots, sweepRetention, statusStore, guardStore, deadLetters, actions, now } = loaded;
      const started = now().getTime();
      const oldest = new Date(started - settings.retentionDays * 86_400_000);
      const mayContinue = () => now().getTime() - started < retentionTime;
      await retention.announce(oldest);
      // Sweeps are removed first because they are few. A long backlog of history rows can use up the time of each run for days.
      const sweeps = await sweepRetention.removeBefore(oldest, mayContinue);
      const twins = await guardStore.removeExpired(mayContinue);
      const letters = await deadLetters.removeBefore(oldest, mayContinue);
      const done = await actions.removeBefore(oldest, mayContinue);
      // A status needs the use of the hub today, and shortly after midnight also that of yesterday.
      const uses = await statusStore.removeBefore(new Date(started - 2 * 86_400_000), mayContinue);
      const snapshots = await openSnapshots.removeBefore(oldest, mayContinue);
      const rows = await retention.removeBefore(oldest, mayContinue);
      await (await loaded.loadSweep()).removeOldFolders();
      const isUnfinished = [sweeps, twins, letters, done, uses, snapshots, rows].some((result) => result.isUnfinished);
      const rest = isUnfinished ? ' More are left; the next run removes them.' : '';
      context.info(
        `Removed ${sweeps.removed} sweeps and ${rows.removed} history rows from before ${oldest.toISOString()}, and kept ${rows.kept} rows that are open, or ended later or lately.${rest}`,
      );
    },
  });
}

/** One sentence about what is in force since now. */
function describeChange(before: InForce | undefined, versions: Versions): string {
  const now = `the policies ${versions.policies()} of the app ${versions.app}`;
  return before === undefined ? `In force are ${now}.` : `In force are ${now}, after those of ${before.since}.`;
}
