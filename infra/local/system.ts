/** The local system: Azurite, the local hub and the function host, each a process of its own, started in order and watched. */
import { connect } from 'node:net';
import { join } from 'node:path';
import { startAzurite } from './azurite.ts';
import type { SystemEndpoints } from './endpoints-file.ts';
import type { Keys } from './host/http-trigger.ts';
import type { FunctionHostEndpoints } from './host/index.ts';
import { hostEnvironment, localSettings, writeSettingsFile } from './host-environment.ts';
import type { HubBehaviour, LocalHubEndpoints, LocalHubOptions } from './hub/index.ts';
import type { Ports } from './ports.ts';
import { functionAppFolder, hubFolder } from './project.ts';
import { KilledEarly, type ServiceProcess, type ServiceSpec, startServiceProcess } from './service-process.ts';

export interface SystemOptions {
  readonly root: string;
  /** For files of this run. */
  readonly runFolder: string;
  readonly ports: Ports;
  readonly hub: Pick<LocalHubOptions, keyof HubBehaviour | 'routesEvents'>;
  /** Whether `TWINKEEPER_…` settings of the environment count. */
  readonly keepOwnSettings: boolean;
  /** Told what a person should know: a service that was started again, an error in the app's log. */
  readonly onNotice: (text: string) => void;
}

export interface LocalSystem {
  readonly endpoints: SystemEndpoints;
  /** Resolves, with one line for a person, when the system cannot go on. */
  readonly failed: Promise<string>;
  close(): Promise<void>;
}

/** A host that dies more often than this in a minute would do so for ever. */
const restartsPerMinute = 10;

/** Starts everything. Rejects with one line, and leaves nothing running, where something does not start. */
export async function startLocalSystem(options: SystemOptions): Promise<LocalSystem> {
  const { root, runFolder, ports, onNotice } = options;
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    // Last in, first out: the host drains while what it works with is still there.
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    const [azurite, hub] = await all(
      startAzurite({ blobPort: ports.blobs, queuePort: ports.queues, tablePort: ports.tables }).then((service) => {
        closing.push(() => service.close());
        return service;
      }),
      startHub(options).then((service) => {
        closing.push(() => service.close());
        return service;
      }),
    );
    const storageConnectionString = azurite.endpoints.connectionString;
    const values = localSettings(hub.endpoints, storageConnectionString, options.hub);
    const host = await keepHostRunning(
      {
        name: 'The function host',
        script: join(root, 'dist/local/host.js'),
        options: {
          appRoot: functionAppFolder(root),
          settingsFile: await writeSettingsFile(runFolder, values),
          httpPort: ports.functions,
        },
        environment: hostEnvironment(process.env, hub.endpoints.caFile, options.keepOwnSettings),
        onLine: (line) => {
          const problem = /^\S+ (?:error|critical) (.*)/.exec(line)?.[1];
          if (problem !== undefined) onNotice(problem.length > 400 ? `${problem.slice(0, 400)}…` : problem);
        },
      },
      onNotice,
    );
    closing.push(() => host.close());
    const storage = watchPort(storageConnectionString);
    closing.push(async () => storage.stop());
    const { twinkeeperConnectionString: _, ...hubEndpoints } = hub.endpoints;
    return {
      endpoints: { ...hubEndpoints, storageConnectionString, functionsUrl: host.functionsUrl, ...host.keys },
      failed: Promise.race([
        hub.ended.then((how) => `The local hub ended with ${how}. Its devices and events were in memory: start again.`),
        storage.gone.then(() => 'Azurite ended. The history and the checkpoints were in its memory: start again.'),
        host.failed,
      ]),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startHub({ root, runFolder, ports, hub }: SystemOptions): Promise<ServiceProcess<LocalHubEndpoints>> {
  const folder = await hubFolder(root, runFolder);
  return startServiceProcess({
    name: 'The local hub',
    script: join(root, 'dist/local/hub.js'),
    options: { folder, httpsPort: ports.hub, amqpPort: ports.events, controlPort: ports.control, ...hub },
  });
}

/** Like `Promise.all`, but rejects only when none is under way any more, so that what has started can be ended. */
async function all<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

interface KeptHost {
  readonly functionsUrl: string;
  readonly keys: Keys;
  readonly failed: Promise<string>;
  close(): Promise<void>;
}

/** Keeps a function host running on the same port, whoever kills it: all its state is in storage, so the next one just goes on. */
async function keepHostRunning(spec: ServiceSpec, onNotice: (text: string) => void): Promise<KeptHost> {
  const deaths: number[] = [];
  let closing = false;

  /** Notes that it ended, and throws when that happens too often. */
  function countDeath(how: string): void {
    deaths.push(Date.now());
    if (deaths.filter((at) => at > Date.now() - 60_000).length > restartsPerMinute) {
      throw new Error(`${how} This happened ${restartsPerMinute} times within a minute: giving up.`);
    }
    onNotice(`${how} Starting it again.`);
  }

  async function start(from: ServiceSpec): Promise<ServiceProcess<FunctionHostEndpoints>> {
    for (;;) {
      try {
        return await startServiceProcess<FunctionHostEndpoints>(from);
      } catch (error) {
        if (!(error instanceof KilledEarly)) throw error;
        countDeath(error.message);
      }
    }
  }

  let current = await start(spec);
  const { functionsUrl, functionKey, masterKey } = current.endpoints;
  const again = {
    ...spec,
    options: { ...spec.options, httpPort: Number(new URL(functionsUrl).port) },
    // Addresses that were handed out hold a key.
    environment: {
      ...spec.environment,
      TWINKEEPER_LOCAL_FUNCTION_KEY: functionKey,
      TWINKEEPER_LOCAL_MASTER_KEY: masterKey,
    },
  };

  async function watch(): Promise<string> {
    try {
      for (;;) {
        const how = await current.ended;
        if (closing) break;
        countDeath(`${spec.name} ended with ${how}.`);
        current = await start(again);
        if (closing) await current.close();
      }
      return await new Promise<never>(() => {});
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  return {
    functionsUrl,
    keys: { functionKey, masterKey },
    failed: watch(),
    async close() {
      closing = true;
      await current.close();
    },
  };
}

/** Azurite's process is not ours to hear of; that its port refuses connections says that it is gone. */
function watchPort(connectionString: string): { readonly gone: Promise<void>; stop(): void } {
  const { hostname, port } = new URL(/TableEndpoint=([^;]+)/.exec(connectionString)?.[1] ?? '');
  let timer: NodeJS.Timeout | undefined;
  const gone = new Promise<void>((resolve) => {
    timer = setInterval(() => {
      const socket = connect({ host: hostname, port: Number(port) }, () => socket.destroy());
      socket.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED') resolve();
      });
    }, 1_000);
  });
  return { gone, stop: () => clearInterval(timer) };
}
