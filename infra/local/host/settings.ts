/** Reads the configuration of an Azure Functions app: local.settings.json, host.json, and `%SETTING%` expressions. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The content of local.settings.json (https://learn.microsoft.com/azure/azure-functions/functions-develop-local). */
interface LocalSettings {
  readonly IsEncrypted?: boolean;
  readonly Values?: Readonly<Record<string, string>>;
  readonly Host?: { readonly LocalHttpPort?: number };
}

/**
 * The settings of host.json that this host supports. A setting that the file lacks has the runtime's default. Times are in milliseconds.
 */
export interface HostJson {
  readonly functionTimeoutMs: number;
  readonly logLevel: Readonly<Record<string, string>>;
  readonly routePrefix: string;
  readonly eventHubs: {
    readonly maxEventBatchSize: number;
    readonly prefetchCount: number;
    readonly batchCheckpointFrequency: number;
    readonly initialOffset: 'fromStart' | 'fromEnd' | { readonly enqueuedOn: Date };
    /** Milliseconds between two checks of which host owns which partition. */
    readonly loadBalancingUpdateIntervalMs: number;
    /** Milliseconds after which another host may take the partitions of a host that no longer renews its ownership. */
    readonly partitionOwnershipExpirationIntervalMs: number;
  };
  readonly queues: {
    readonly batchSize: number;
    readonly newBatchThreshold: number;
    /** Milliseconds for which a message stays invisible after its handler has failed. */
    readonly visibilityTimeoutMs: number;
    readonly maxDequeueCount: number;
    readonly maxPollingIntervalMs: number;
    readonly messageEncoding: 'base64' | 'none';
  };
}

type Json = Readonly<Record<string, unknown>>;

function readJson(file: string): Json {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Json;
  } catch (error) {
    throw new Error(`${file} cannot be read as JSON: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Copies the `Values` of a settings file into the environment of this process. Like Core Tools, keeps the variables that are already set.
 */
export function applySettings(settingsFile: string): { readonly localHttpPort: number | undefined } {
  const settings = readJson(settingsFile) as LocalSettings;
  if (settings.IsEncrypted === true) {
    throw new Error(`${settingsFile} is encrypted: decrypt it with \`func settings decrypt\`.`);
  }
  for (const [name, value] of Object.entries(settings.Values ?? {})) process.env[name] ??= value;
  return { localHttpPort: settings.Host?.LocalHttpPort };
}

/**
 * Reads the app's host.json. Without this file, all settings have their defaults.
 * @throws An Error whose message is one line and names the path of the invalid value.
 */
export function readHostJson(appRoot: string): HostJson {
  const file = join(appRoot, 'host.json');
  const root = existsSync(file) ? readJson(file) : {};
  const at = (path: string): unknown =>
    path.split('.').reduce<unknown>((node, key) => (node as Json | undefined)?.[key], root);
  const fault = (path: string, wanted: string) =>
    new Error(`${file}: ${path} is ${JSON.stringify(at(path))}, but must be ${wanted}.`);
  const count = (path: string, fallback: number, least = 1): number => {
    const value = at(path) ?? fallback;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < least) throw fault(path, `≥ ${least}`);
    return value;
  };
  const duration = (path: string, fallback: string): number => {
    const value = parseTimeSpan(String(at(path) ?? fallback));
    if (value === undefined) throw fault(path, 'a time like 00:00:30, or -1 for no limit');
    return value;
  };
  const choice = <Name extends string>(path: string, ...names: readonly [Name, ...Name[]]): Name => {
    const value = String(at(path) ?? names[0]).toLowerCase();
    const name = names.find((candidate) => candidate.toLowerCase() === value);
    if (name === undefined) throw fault(path, `one of ${names.join(', ')}`);
    return name;
  };
  const offsets = 'extensions.eventHubs.initialOffsetOptions';
  const offset = choice(`${offsets}.type`, 'fromStart', 'fromEnd', 'fromEnqueuedTime');
  return {
    functionTimeoutMs: duration('functionTimeout', '00:30:00'),
    logLevel: (at('logging.logLevel') ?? {}) as Readonly<Record<string, string>>,
    routePrefix: String(at('extensions.http.routePrefix') ?? 'api'),
    eventHubs: {
      maxEventBatchSize: count('extensions.eventHubs.maxEventBatchSize', 100),
      prefetchCount: count('extensions.eventHubs.prefetchCount', 300),
      batchCheckpointFrequency: count('extensions.eventHubs.batchCheckpointFrequency', 1),
      initialOffset:
        offset === 'fromEnqueuedTime' ? { enqueuedOn: new Date(String(at(`${offsets}.enqueuedTimeUtc`))) } : offset,
      loadBalancingUpdateIntervalMs: duration('extensions.eventHubs.loadBalancingUpdateInterval', '00:00:30'),
      partitionOwnershipExpirationIntervalMs: duration(
        'extensions.eventHubs.partitionOwnershipExpirationInterval',
        '00:02:00',
      ),
    },
    queues: {
      batchSize: Math.min(count('extensions.queues.batchSize', 16), 32),
      newBatchThreshold: count('extensions.queues.newBatchThreshold', 8, 0),
      visibilityTimeoutMs: duration('extensions.queues.visibilityTimeout', '00:00:00'),
      maxDequeueCount: count('extensions.queues.maxDequeueCount', 5),
      maxPollingIntervalMs: Math.max(100, duration('extensions.queues.maxPollingInterval', '00:01:00')),
      messageEncoding: choice('extensions.queues.messageEncoding', 'base64', 'none'),
    },
  };
}

/** Converts a time span `[d.]hh:mm[:ss[.fff]]` to milliseconds, and `-1` to infinity. Returns undefined for any other text. */
export function parseTimeSpan(text: string): number | undefined {
  if (text === '-1') return Number.POSITIVE_INFINITY;
  const match = /^(?:(\d+)\.)?(\d{1,2}):([0-5]?\d)(?::([0-5]?\d(?:\.\d{1,7})?))?$/.exec(text);
  if (match === null) return undefined;
  const [days, hours, minutes, seconds] = match.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
  ];
  return Math.round(((days * 24 + hours) * 60 + minutes) * 60_000 + seconds * 1000);
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Replaces every `%SETTING%` expression in a trigger's options by the value of this setting in the environment.
 * @throws An Error whose message is one line and names the function, the option and the missing setting.
 */
export function resolveExpressions<Options extends object>(
  functionName: string,
  options: Options,
  environment: Environment,
): Options {
  const resolve = (option: string, text: string) =>
    text.replaceAll(/%([^%]+)%/g, (expression, name: string) => {
      const value = environment[name];
      if (value === undefined) {
        throw new Error(`Function "${functionName}": ${option} is ${expression}, but there is no setting ${name}.`);
      }
      return value;
    });
  const entries = Object.entries(options).map(([option, value]) => [
    option,
    typeof value === 'string' ? resolve(option, value) : value,
  ]);
  return Object.fromEntries(entries) as Options;
}

/**
 * Finds a connection string by the name of its setting, as the runtime does: in the setting `AzureWebJobsNAME`, or else in `NAME`.
 * @throws An Error whose message is one line and names the function and the missing setting.
 */
export function connectionString(functionName: string, connection: string, environment: Environment): string {
  const value = environment[`AzureWebJobs${connection}`] ?? environment[connection];
  if (value === undefined || value === '') {
    throw new Error(`Function "${functionName}": there is no setting ${connection} with its connection string.`);
  }
  return value;
}
