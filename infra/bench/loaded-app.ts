/** An app loaded into this process as the Functions worker loads it, and its event hub function called as the worker calls it. */
import { createRequire } from 'node:module';
import { type App, installCoreApi, type ProgrammingModel } from '../local/host/core-api.ts';
import { createInvoker } from '../local/host/invoker.ts';
import { eventBatch, type TriggerData } from '../local/host/trigger-data.ts';
import { received, twinEvent } from './twin-traffic.ts';

/** As in host.json. */
export const batchSize = 256;

export interface LoadedApp {
  /** Calls a function's handler alone, without the library around it. */
  handle(name: string, ...args: readonly unknown[]): unknown;
  /** One batch for the event hub function, as the runtime hands it to the worker. Its events begin with number `from`. */
  batch(from: number): TriggerData;
  /** What the library makes of a batch's metadata before it calls the handler. */
  contextOf(batch: TriggerData): Promise<unknown>;
  /** One invocation of the event hub function, all that the worker does for it. @throws Where the handler throws. */
  invoke(batch: TriggerData): Promise<void>;
}

/**
 * Settings with which the app loads but can reach nothing: nothing listens on port 1. An event that made the app call anybody would not
 * go by unnoticed.
 */
export const unreachable: Readonly<Record<string, string>> = {
  FUNCTIONS_WORKER_RUNTIME: 'node',
  AzureWebJobsStorage:
    'DefaultEndpointsProtocol=http;AccountName=bench;AccountKey=YmVuY2g=;BlobEndpoint=http://127.0.0.1:1/bench;QueueEndpoint=http://127.0.0.1:1/bench;TableEndpoint=http://127.0.0.1:1/bench',
  IOTHUB_CONNECTION_STRING: 'HostName=127.0.0.1:1;SharedAccessKeyName=bench;SharedAccessKey=YmVuY2g=',
  EventHubConnection: 'Endpoint=sb://127.0.0.1:1;SharedAccessKeyName=bench;SharedAccessKey=YmVuY2g=',
  EVENTHUB_NAME: 'bench',
};

/** Loads the app, once in a process. Needs the settings of {@link unreachable} in the environment. */
export async function loadApp(file: string): Promise<LoadedApp> {
  const app = installCoreApi(() => {});
  createRequire(file)(file);
  app.started();
  const { name, dataType } = eventHubFunction(app);
  const { IncludeEmptyEntriesInMessagePayload: isAsked } = (await modelOf(app).getCapabilities?.({})) ?? {};
  const capabilities = { includeEmptyEntries: Boolean(isAsked) };
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
      if (registered === undefined) throw new Error(`${file} registers no function "${functionName}".`);
      return registered.callback(...args);
    },
    batch(from) {
      const events = Array.from({ length: batchSize }, (_, index) => received(twinEvent(from + index), from + index));
      return eventBatch(events, partition, true, { functionName: name, dataType, capabilities });
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
  throw new Error(`None of the functions has an event hub trigger: ${[...app.functions.keys()].join(', ')}.`);
}

function modelOf({ programmingModel }: App): ProgrammingModel {
  if (programmingModel === undefined) throw new Error('The app has set no programming model.');
  return programmingModel;
}
