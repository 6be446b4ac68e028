import { app, type InvocationContext, type Timer } from '@azure/functions';
import type { App } from './compose.ts';

/** What is old goes in batches until then, in milliseconds; the next day finds the rest. */
const retentionTime = 4 * 60_000;

/** `roll-up`: counts the history, so that nobody who asks for numbers reads it all. `retention`: removes what is older than it must be. */
export function registerHousekeeping(twinkeeper: App): void {
  const { settings, policies, rollups, guardStore, retention, sweepRetention, now } = twinkeeper;
  app.timer('roll-up', {
    schedule: settings.rollupSchedule,
    async handler() {
      const counted = await Promise.all(
        policies.all.map(async ({ name }) => ({ name, devices: await guardStore.deviceCount(name) })),
      );
      await rollups.refresh(counted);
    },
  });
  app.timer('retention', {
    schedule: '0 30 2 * * *',
    async handler(_timer: Timer, context: InvocationContext) {
      const started = now().getTime();
      const oldest = new Date(started - settings.retentionDays * 86_400_000);
      const mayGoOn = () => now().getTime() - started < retentionTime;
      // They are few beside the rows of history, which must not keep them from their turn for days.
      const sweeps = await sweepRetention.removeBefore(oldest, mayGoOn);
      const rows = await retention.removeBefore(oldest, mayGoOn);
      const rest = sweeps.isUnfinished || rows.isUnfinished ? ' There are more: they go tomorrow.' : '';
      context.info(
        `Removed from before ${oldest.toISOString()}: ${sweeps.removed} sweeps and ${rows.removed} history rows; ${rows.kept} that are still open are kept.${rest}`,
      );
    },
  });
}
