import type { InvocationContext } from '@azure/functions';
import { createDeadLetters, createJournal } from '../shared/drift/index.ts';
import { connectToHub, type Hub } from '../shared/hub/index.ts';
import type { Log } from '../shared/log.ts';
import { type PolicyDefinition, toPolicySet } from '../shared/policy/index.ts';
import { createDeferredQueue, EventProcessor, Reconciler } from '../shared/reconcile/index.ts';
import type { Settings } from './settings.ts';

/** Everything that the triggers work with, put together once. */
export interface App {
  readonly settings: Settings;
  readonly hub: Hub;
  /** The processor, its messages going to this invocation's log. */
  processorFor(context: InvocationContext): EventProcessor;
}

/**
 * Puts the app together. Nothing is connected to yet: clients open on first use.
 *
 * @throws {PolicyFaultsError} when a policy is wrong.
 */
export function createApp(settings: Settings, definitions: readonly PolicyDefinition[]): App {
  const policies = toPolicySet(definitions, { mode: settings.mode });
  const hub = connectToHub(settings.hub);
  const journal = createJournal(settings.storage);
  const letters = createDeadLetters(settings.storage, () => new Date());
  const queue = createDeferredQueue(settings.storage, letters);
  return {
    settings,
    hub,
    processorFor(context) {
      const log = toLog(context);
      const reconciler = new Reconciler({ policies, hub, journal, log });
      return new EventProcessor({ reconciler, queue, letters, log, retry: settings.retry });
    },
  };
}

function toLog(context: InvocationContext): Log {
  return {
    info: (message) => context.info(message),
    warn: (message) => context.warn(message),
    error: (message) => context.error(message),
  };
}
