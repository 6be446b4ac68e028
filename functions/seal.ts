import { app, type InvocationContext, type Timer } from '@azure/functions';
import type { LazyApp } from './lazy-app.ts';

/** Milliseconds after which `seal` begins no further day. The next run continues. The platform ends a function after ten minutes. */
const sealTime = 4 * 60_000;

/**
 * Registers the timer function `seal`. It writes what happened on each whole UTC day into files that are not changed any more, with a manifest that
 * names their hashes. It runs some minutes after midnight, and some more times: these runs do what an earlier run could not.
 */
export function registerSeal(twinkeeper: LazyApp): void {
  app.timer('seal', {
    schedule: twinkeeper.settings.sealSchedule,
    async handler(_timer: Timer, context: InvocationContext) {
      const { loadSealer, now } = await twinkeeper.load();
      const sealer = await loadSealer();
      const started = now().getTime();
      const { sealed, isUnfinished } = await sealer.run(() => now().getTime() - started < sealTime);
      for (const { day, sha256, counts } of sealed) {
        const { rows, transitions, open, actions } = counts;
        // The log is kept apart from the storage account. With the hash in it, nobody can replace the whole chain unnoticed.
        context.info(
          `Sealed ${day}: ${rows} rows, ${transitions} transitions, ${open} open rows, ${actions} lines of actions. SHA-256 of the manifest: ${sha256}`,
        );
      }
      if (isUnfinished) context.info('More days are left; the next run seals them.');
    },
  });
}
