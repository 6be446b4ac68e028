/** Loads a function app into this process, and calls its functions as the Functions worker does. */
import { createRequire } from 'node:module';
import { type App, installCoreApi, type ProgrammingModel } from '../local/host/core-api.ts';
import { createInvoker } from '../local/host/invoker.ts';
import { eventBatch, type TriggerData } from '../local/host/trigger-data.ts';
import { toReceivedEvent, twinEvent } from './twin-traffic.ts';

/** Number of events in a batch, as in host.json. */
export const batchSize = 256;

export interface LoadedApp {
  /** Calls the handler of a function directly, without the code of `@azure/functions`. */
  handle(name: string, ...args: readonly unknown[]): unknown;
  /**
   * A batch of events for the event hub function, in the form in which the runtime passes it to the worker. `from` is the number of the
   * first event.
   */
  batch(from: number): TriggerData;
  /** The invocation context that `@azure/functions` creates for a batch of events. */
  contextOf(batch: TriggerData): Promise<unknown>;
  /** Invokes the event hub function with a batch of events, as the Functions worker does. Rejects if the handler throws. */
  invoke(batch: TriggerData): Promise<void>;
}

/**
 * App settings with which the app loads but can reach no service. All addresses have port 1, where nothing listens, so every call to a
 * service fails.
 */
export const unreachable: Readonly<Record<string, string>> = {
  FUNCTIONS_WORKER_RUNTIME: 'node',
  AzureWebJobsStorage:
    'DefaultEndpointsProtocol=http;AccountName=bench;AccountKey=YmVuY2g=;BlobEndpoint=http://127.0.0.1:1/bench;QueueEndpoint=http://127.0.0.1:1/bench;TableEndpoint=http://127.0.0.1:1/bench',
  IOTHUB_CONNECTION_STRING: 'HostName=127.0.0.1:1;SharedAccessKeyName=bench;SharedAccessKey=YmVuY2g=',
  EventHubConnection: 'Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=bench;SharedAccessKey=YmVuY2g=',
  EVENTHUB_NAME: 'bench',
};

/** Loads a function app. `file` is the path of the bundled app. The environment must have the settings of {@link unreachable}. */
export async function loadApp(file: string): Promise<LoadedApp> {
  const app = installCoreApi(() => {});
  createRequire(file)(file);
  app.started();
  const { name, dataType } = eventHubFunction(app);
  const { IncludeEmptyEntriesInMessagePayload: includeEmpty } = (await modelOf(app).getCapabilities?.({})) ?? {};
  const capabilities = { includeEmptyEntries: Boolean(includeEmpty) };
  const partition = {
    fullyQualifiedNamespace: 'bench.servicebus.windows.net',
    eventHubName: 'bench',
    consumerGroup: '$Default',
    partitionId: '0',
  };
  const invoker = createInvoker(app, Number.POSITIVE_INFINITY, () => {});
  return {
    handle(functionName, ...args) {
      const registered = app.functions.get(functionName);
      if (registered === undefined) throw new Error(`${file} has no function "${functionName}".`);
      return registered.callback(...args);
    },
    batch(from) {
      const events = Array.from({ length: batchSize }, (_, index) =>
        toReceivedEvent(twinEvent(from + index), from + index),
      );
      return eventBatch(events, partition, true, { dataType, capabilities });
    },
    async contextOf({ value, metadata }) {
      const registered = app.functions.get(name);
      if (registered === undefined) throw new Error(`There is no function "${name}".`);
      const request = {
        invocationId: crypto.randomUUID(),
        functionId: name,
        inputData: [{ name: Object.keys(registered.metadata.bindings)[0] ?? '', data: value }],
        triggerMetadata: metadata,
      };
      const model = await modelOf(app).getInvocationModel({
        invocationId: request.invocationId,
        request,
        metadata: registered.metadata,
        state: undefined,
        log: () => {},
      });
      return (await model.getArguments()).context;
    },
    async invoke(batch) {
      const outcome = await invoker.invoke(name, () => batch);
      if (!outcome.succeeded) throw outcome.error;
    },
  };
}

function eventHubFunction(app: App): { readonly name: string; readonly dataType: unknown } {
  for (const { metadata } of app.functions.values()) {
    for (const { type, dataType } of Object.values(metadata.bindings)) {
      if (type.toLowerCase() === 'eventhubtrigger') return { name: metadata.name, dataType };
    }
  }
  throw new Error(`No function has an event hub trigger. The functions are: ${[...app.functions.keys()].join(', ')}.`);
}

function modelOf({ programmingModel }: App): ProgrammingModel {
  if (programmingModel === undefined) throw new Error('The app has set no programming model.');
  return programmingModel;
}
