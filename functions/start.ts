import type { InvocationContext } from '@azure/functions';
import { systemClock } from '../shared/clock.ts';
import { once } from '../shared/once.ts';
import { type PolicyDefinition, toPolicySet } from '../shared/policy/index.ts';
import { EventProcessor, type EventProcessorDependencies } from '../shared/reconcile/index.ts';
import { createDeadLetters, createDeferredQueue } from '../shared/retry/index.ts';
import type { App } from './app.ts';
import { toLog } from './log.ts';
import type { Settings } from './settings.ts';

/** What the triggers are given while the app starts. */
export interface Twinkeeper {
  readonly settings: Settings;
  /** What takes events to their end, its messages going to this invocation's log. */
  processorFor(context: InvocationContext): EventProcessor;
  /** All that the triggers work with, loaded when it is first asked for. */
  app(): Promise<App>;
}

/**
 * Checks the policies, and makes ready what sees from events whether there is something to do. Mostly there is not, and then nothing else
 * is loaded.
 *
 * @throws {PolicyFaultsError} when a policy is wrong.
 */
export function startTwinkeeper(settings: Settings, definitions: readonly PolicyDefinition[]): Twinkeeper {
  const clock = systemClock;
  const policies = toPolicySet(definitions, { mode: settings.mode });
  const letters = createDeadLetters(settings.storage, () => clock.now());
  const deferredQueue = createDeferredQueue(settings.storage, letters);
  const app = once(async () => {
    const { createApp } = await import('./app.ts');
    return createApp({ settings, policies, letters, deferredQueue, clock });
  });

  /** All that is asked of a reconciler on behalf of events. */
  function reconcilerFor(context: InvocationContext): EventProcessorDependencies['reconciler'] {
    const loaded = async () => (await app()).reconcilerFor(context);
    return {
      policies,
      reconcile: async (works, source) => (await loaded()).reconcile(works, source),
      giveUp: async (deviceId, reason) => (await loaded()).giveUp(deviceId, reason),
    };
  }

  return {
    settings,
    app,
    processorFor: (context) =>
      new EventProcessor({
        reconciler: reconcilerFor(context),
        queue: deferredQueue,
        letters,
        log: toLog(context),
        retry: settings.retry,
      }),
  };
}
