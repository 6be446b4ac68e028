import { app } from '@azure/functions';
import type { LazyApp } from './lazy-app.ts';

/** Milliseconds that an invocation waits at most for the writes of this file. They are made at most once a minute. */
const patience = 2_000;

/**
 * Registers what happens after each invocation of any function: the use of the hub is stored, and metrics are sent. Both are made at most
 * once a minute. An instance may be frozen after an invocation, so the invocation waits for them, but not for long, and never fails because
 * of them. A failure is logged once, until the next success.
 */
export function registerAfterInvocations(twinkeeper: LazyApp): void {
  let hasFailed = false;
  app.hook.postInvocation(async ({ invocationContext }) => {
    const loaded = twinkeeper.loaded();
    if (loaded === undefined) return;
    const { usage, telemetry } = loaded;
    const work = Promise.all([usage.flush(), telemetry?.flush()]).then(
      () => {
        hasFailed = false;
      },
      (error: unknown) => {
        if (!hasFailed) invocationContext.warn(`The use of the hub or metrics were not stored: ${messageOf(error)}`);
        hasFailed = true;
      },
    );
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, patience);
    });
    await Promise.race([work, late]);
    clearTimeout(timer);
  });
}

/** The message of an error, without query strings and keys. */
function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return (message.split('\n')[0] ?? '').replace(/\?\S*|(sig|key)=\S+/gi, '…').slice(0, 300);
}
