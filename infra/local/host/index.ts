/**
 * The function host runs an Azure Functions app on this machine. It loads the app through `@azure/functions-core`, as the runtime's Node
 * worker does. It runs functions with event hub, storage queue, timer and HTTP triggers. The host imports the code of the triggers after
 * the app has loaded, so that the measured load time is the time of the app alone. A process can have only one host, because the library
 * `@azure/functions` keeps its registrations in variables of its module.
 * @module
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Service } from '../service-child.ts';
import { type App, installCoreApi } from './core-api.ts';
import type { Keys } from './http-trigger.ts';
import { createLog, describeError } from './log.ts';
import { keepToLoopback } from './loopback.ts';
import { applySettings, connectionString, readHostJson, resolveExpressions } from './settings.ts';
import type { Trigger, TriggeredFunction, TriggerHost } from './trigger.ts';

export interface FunctionHostOptions {
  /** The app's folder. It must have a package.json, whose field `main` names the file to load. It can have a host.json. */
  readonly appRoot: string;
  /** Path of a file in the format of local.settings.json. A variable that the environment already has keeps its value. */
  readonly settingsFile: string;
  /** The port of the HTTP server. 0 picks a free port. Default: `Host.LocalHttpPort` of the settings file, else a free port. */
  readonly httpPort?: number;
  /**
   * Seconds for which a queue message stays invisible while the host works on it. When a host is killed, another host gets its messages
   * after this time. Default: 600, as in the runtime.
   */
  readonly queueClaimSeconds?: number;
}

export interface FunctionHostEndpoints extends Keys {
  /** The address of the HTTP server: `http://127.0.0.1:PORT`, without the route prefix. */
  readonly functionsUrl: string;
  readonly functions: readonly { readonly name: string; readonly type: string }[];
  /** Milliseconds that the loading of the app's code took. */
  readonly loadMs: number;
}

/** The runtime's own number of seconds for {@link FunctionHostOptions.queueClaimSeconds}. */
const defaultQueueClaimSeconds = 600;

/** Milliseconds for which a closing host waits until its running invocations end. */
const drainMs = 10_000;

/**
 * Starts the host, and resolves when all triggers run. As in the runtime, an app that throws an error while it loads has no functions: every
 * address answers 404, and only the log says why.
 * @throws An Error whose message is one line, when the app is not built, when a setting of a trigger is missing, or when a port is in use.
 */
export async function startFunctionHost(options: FunctionHostOptions): Promise<Service<FunctionHostEndpoints>> {
  const appRoot = resolve(options.appRoot);
  const { localHttpPort } = applySettings(options.settingsFile);
  const hostJson = readHostJson(appRoot);
  const log = createLog(hostJson.logLevel);
  keepToLoopback();
  const app = installCoreApi(log);
  const { file, load } = entryOf(appRoot);
  const from = performance.now();
  const isLoaded = await load().then(
    () => true,
    (error) => {
      log('error', 'host', `Worker was unable to load entry point "${file}": ${describeError(error)}`);
      return false;
    },
  );
  const loadMs = performance.now() - from;
  app.started();

  const triggered = isLoaded ? triggeredFunctions(app) : [];
  const [{ createInvoker, runHooks }, { hostKeys, startHttpServer }] = await Promise.all([
    import('./invoker.ts'),
    import('./http-trigger.ts'),
  ]);
  const capabilities = (await app.programmingModel?.getCapabilities?.({ TypedDataCollection: 'true' })) ?? {};
  if (isLoaded)
    await runHooks(app, 'appStart', { hookData: {}, appHookData: app.appHookData, functionAppDirectory: appRoot });

  const invoker = createInvoker(app, hostJson.functionTimeoutMs, log);
  const host: TriggerHost = {
    hostJson,
    environment: process.env,
    invoker,
    capabilities: { includeEmptyEntries: Boolean(capabilities.IncludeEmptyEntriesInMessagePayload?.trim()) },
    log,
    queueClaimSeconds: options.queueClaimSeconds ?? defaultQueueClaimSeconds,
    hostId: createHash('sha256').update(appRoot).digest('hex').slice(0, 32),
  };
  const keys = hostKeys(process.env);
  const triggers: Trigger[] = [];
  const runNow = new Map<string, () => Promise<void>>();
  let state = 'Initializing';
  const closing: (() => Promise<void>)[] = [];
  try {
    const server = await startHttpServer(host, {
      port: options.httpPort ?? localHttpPort ?? 0,
      functions: triggered.filter(({ type }) => type === 'httptrigger'),
      keys,
      streamUri: capabilities.HttpUri,
      admin: {
        '/admin/host/status': () => ({ id: host.hostId, state, processUptime: Math.round(process.uptime() * 1000) }),
        '/admin/host/invocations': () => invoker.counts,
      },
      runNow: (name) => runNow.get(name),
    });
    closing.push(() => server.close());
    for (const one of triggered) {
      const trigger = await startTrigger(one, host).catch((error) => {
        const message = error instanceof Error ? error.message : String(error);
        throw message.startsWith('Function ') ? error : new Error(`Function "${one.name}" does not start: ${message}.`);
      });
      if (trigger === undefined) continue;
      triggers.push(trigger);
      if (trigger.runNow !== undefined) runNow.set(one.name, trigger.runNow);
    }
    state = 'Running';
    return {
      endpoints: {
        functionsUrl: server.url,
        functions: triggered.map(({ name, type }) => ({ name, type })),
        ...keys,
        loadMs,
      },
      close: () => close(),
    };
  } catch (error) {
    await close();
    throw error;
  }

  async function close(): Promise<void> {
    state = 'Stopping';
    for (const trigger of triggers) trigger.stop();
    if (!(await invoker.idle(drainMs)))
      log('warning', 'host', `invocations still run after ${drainMs / 1000} s: the host closes without them`);
    const ends = await Promise.allSettled([
      ...triggers.map((trigger) => trigger.close()),
      ...closing.map((end) => end()),
    ]);
    for (const end of ends) if (end.status === 'rejected') log('warning', 'host', describeError(end.reason));
    if (!isLoaded) return;
    await runHooks(app, 'appTerminate', { hookData: {}, appHookData: app.appHookData }).catch((error) =>
      log('error', 'host', describeError(error)),
    );
  }
}

interface Entry {
  readonly file: string;
  readonly load: () => Promise<unknown>;
}

/**
 * The app's entry file.
 * @throws An Error whose message is one line, when the file is missing or package.json does not name it.
 */
function entryOf(appRoot: string): Entry {
  const manifest = join(appRoot, 'package.json');
  const { main, type } = JSON.parse(readFileSync(manifest, 'utf8')) as { main?: string; type?: string };
  if (main === undefined) throw new Error(`${manifest} has no "main": it names the file that registers the functions.`);
  const file = join(appRoot, main);
  if (!existsSync(file)) throw new Error(`${file} is missing: run \`npm run build\`.`);
  // The Node worker has the same rule: it imports `.mjs` files and the files of ES module packages, and requires all other files.
  const isModule = file.endsWith('.mjs') || (type === 'module' && !file.endsWith('.cjs'));
  return {
    file: main,
    load: async () => (isModule ? import(pathToFileURL(file).href) : createRequire(manifest)(file)),
  };
}

const triggerTypes = ['eventhubtrigger', 'queuetrigger', 'timertrigger', 'httptrigger'];

/**
 * The app's functions that are not disabled.
 * @throws An Error whose message is one line and names every function that this host cannot run, with the reason.
 */
function triggeredFunctions(app: App): TriggeredFunction[] {
  const faults: string[] = [];
  const result: TriggeredFunction[] = [];
  for (const { metadata } of app.functions.values()) {
    const { name, bindings } = metadata;
    if (/^(?:true|1)$/i.test(process.env[`AzureWebJobs.${name}.Disabled`] ?? '')) continue;
    for (const binding of Object.values(bindings)) {
      const type = binding.type.toLowerCase();
      if (!triggerTypes.includes(type) && type !== 'http') {
        faults.push(`Function "${name}": this host does not support ${binding.type}.`);
      } else if (type !== 'http') {
        try {
          const options = resolveExpressions(name, binding, process.env);
          for (const connection of connectionsOf(type, options)) connectionString(name, connection, process.env);
          result.push({ name, type, options });
        } catch (error) {
          faults.push(error instanceof Error ? error.message : String(error));
        }
      }
    }
  }
  if (faults.length > 0) throw new Error(faults.join(' '));
  return result;
}

/**
 * The names of the settings with a trigger's connection strings: the trigger's own connection, and the storage account for checkpoints or
 * locks.
 */
function connectionsOf(type: string, { connection }: Readonly<Record<string, unknown>>): string[] {
  switch (type) {
    case 'eventhubtrigger':
      return [String(connection ?? ''), 'AzureWebJobsStorage'];
    case 'queuetrigger':
      return [String(connection || 'AzureWebJobsStorage')];
    case 'timertrigger':
      return ['AzureWebJobsStorage'];
    default:
      return [];
  }
}

async function startTrigger(triggered: TriggeredFunction, host: TriggerHost): Promise<Trigger | undefined> {
  switch (triggered.type) {
    case 'eventhubtrigger':
      return (await import('./event-hub-trigger.ts')).startEventHubTrigger(triggered, host);
    case 'queuetrigger':
      return (await import('./queue-trigger.ts')).startQueueTrigger(triggered, host);
    case 'timertrigger':
      return (await import('./timer-trigger.ts')).startTimerTrigger(triggered, host);
    default:
      return undefined;
  }
}
