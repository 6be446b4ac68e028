import { app, type InvocationContext, type Timer } from '@azure/functions';
import type { LazyApp } from './lazy-app.ts';

/** Milliseconds after which `retention` starts no further batch of removals. The run on the next day continues. */
const retentionTime = 4 * 60_000;

/**
 * Registers the two timer functions that maintain the history. The function `roll-up` counts the history rows of each hour, so that the
 * summary of the API reads counts instead of rows. The function `retention` removes sweeps and closed history rows that are older than the
 * setting `TWINKEEPER_RETENTION_DAYS`, the counts of unusable events, and the twins that no longer count against a blast
 * radius.
 */
export function registerHousekeeping(twinkeeper: LazyApp): void {
  const { settings } = twinkeeper;
  app.timer('roll-up', {
    schedule: settings.rollupSchedule,
    async handler() {
      const { policies, rollups, guardStore } = await twinkeeper.load();
      const deviceCounts = await Promise.all(
        policies.all.map(async ({ name }) => ({ name, devices: await guardStore.deviceCount(name) })),
      );
      await rollups.refresh(deviceCounts);
    },
  });
  app.timer('retention', {
    schedule: '0 30 2 * * *',
    async handler(_timer: Timer, context: InvocationContext) {
      const { retention, sweepRetention, guardStore, deadLetters, now } = await twinkeeper.load();
      const started = now().getTime();
      const oldest = new Date(started - settings.retentionDays * 86_400_000);
      const mayContinue = () => now().getTime() - started < retentionTime;
      // Sweeps are removed first because they are few. A long backlog of history rows can use up the time of each run for days.
      const sweeps = await sweepRetention.removeBefore(oldest, mayContinue);
      const twins = await guardStore.removeExpired(mayContinue);
      const counts = await deadLetters.removeCountsBefore(oldest, mayContinue);
      const rows = await retention.removeBefore(oldest, mayContinue);
      const rest =
        sweeps.isUnfinished || twins.isUnfinished || counts.isUnfinished || rows.isUnfinished
          ? ' More are left; the next run removes them.'
          : '';
      context.info(
        `Removed ${sweeps.removed} sweeps and ${rows.removed} history rows from before ${oldest.toISOString()}, and kept ${rows.kept} rows that are still open.${rest}`,
      );
    },
  });
}
