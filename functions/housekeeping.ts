import { app, type InvocationContext, type Timer } from '@azure/functions';
import type { App } from './app.ts';

/** Rows go in batches until then, in milliseconds; the next day finds the rest. */
const retentionTime = 4 * 60_000;

/** `roll-up`: counts the history, so that nobody who asks for numbers reads it all. `retention`: removes what is older than it must be. */
export function registerHousekeeping(twinkeeper: App): void {
  const { rollups, guardStore, policies, retention, settings, now } = twinkeeper;
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
      const { removed, kept, isUnfinished } = await retention.removeBefore(
        oldest,
        () => now().getTime() - started < retentionTime,
      );
      const rest = isUnfinished ? ' There are more: they go tomorrow.' : '';
      context.info(
        `${removed} history rows from before ${oldest.toISOString()} removed, ${kept} that are still open kept.${rest}`,
      );
    },
  });
}
