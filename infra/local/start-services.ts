/**
 * Starts the services of the local system, each in a process of its own, in this order: (1) Azurite and the local hub at the same time; (2)
 * the function host, when both are ready, because it needs their addresses. Also watches the services, and ends them: the function host
 * first.
 */
import { connect } from 'node:net';
import { join } from 'node:path';
import { appIdentityWith } from './app-identity.ts';
import { startAzurite } from './azurite.ts';
import { checkAppStarted } from './check-app-started.ts';
import { readDeployedRoles } from './deployed-roles.ts';
import type { SystemEndpoints } from './endpoints-file.ts';
import type { Keys } from './host/http-trigger.ts';
import type { FunctionHostEndpoints } from './host/index.ts';
import { hostEnvironment, localSettings, writeSettingsFile } from './host-environment.ts';
import type { HubBehaviour, LocalHubEndpoints, LocalHubOptions } from './hub/index.ts';
import type { HubHost } from './hub-host.ts';
import type { Ports } from './ports.ts';
import { functionAppFolder, hubFolder } from './project.ts';
import { KilledEarly, type ServiceProcess, type ServiceSpec, startServiceProcess } from './service-parent.ts';

/**
 * Seconds after which a queue message that a killed function host was working on comes back. In Azure this takes ten minutes: too long for
 * somebody who kills the host on a laptop to see what happens.
 */
const queueClaimSeconds = 20;

export interface SystemOptions {
  readonly root: string;
  /** The path of the folder for the files of this run. */
  readonly runFolder: string;
  readonly ports: Ports;
  readonly hub: Pick<LocalHubOptions, keyof HubBehaviour | 'routesEvents'>;
  /** The host name and the address of the hub. Default: `localhost`. */
  readonly hubHost?: HubHost;
  /** Whether the app gets the `TWINKEEPER_…` settings of the shell's environment. */
  readonly keepOwnSettings: boolean;
  /** The blast radius of the app: the number of twins in which a policy may overwrite or remove something in an hour. */
  readonly blastRadius: number;
  /** Whether the demo asks for all sweeps itself, so that the timer starts no sweep. */
  readonly demoSweeps: boolean;
  /** Called with one line of text when a service begins to start or is ready. */
  readonly onStep: (text: string) => void;
  /** Called with one line about a problem: a service was restarted, or the app logged an error. */
  readonly onNotice: (text: string) => void;
}

export interface LocalSystem {
  readonly endpoints: SystemEndpoints;
  /** Resolves when a service has ended and cannot be restarted. The text is one line that says why. */
  readonly failed: Promise<string>;
  close(): Promise<void>;
}

/** Number of restarts of the function host that are allowed within a minute. With more, the local system fails. */
const restartsPerMinute = 10;

/** Starts all services. If a service does not start, ends the others and rejects with an Error whose message is one line. */
export async function startLocalSystem(options: SystemOptions): Promise<LocalSystem> {
  const { root, runFolder, ports, onStep, onNotice } = options;
  const closing: (() => Promise<void>)[] = [];
  const close = async () => {
    // Ends the function host first: it needs the hub and the storage to finish its work.
    for (const end of closing.splice(0).reverse()) await end();
  };
  try {
    onStep('Starting Azurite (storage) and the local hub…');
    const starting = new Set(['Azurite', 'the local hub']);
    const started = <S extends { close(): Promise<void> }>(name: string, service: S): S => {
      closing.push(() => service.close());
      starting.delete(name);
      for (const other of starting) onStep(`Ready: ${name}. Waiting for ${other}…`);
      return service;
    };
    const [azurite, hub] = await all(
      startAzurite({ blobPort: ports.blobs, queuePort: ports.queues, tablePort: ports.tables }).then((service) =>
        started('Azurite', service),
      ),
      startHub(options).then((service) => started('the local hub', service)),
    );
    onStep('Ready: Azurite and the local hub. Starting the function host…');
    const storageConnectionString = azurite.endpoints.connectionString;
    const { caFile, identity } = hub.endpoints;
    if (identity === undefined) throw new Error('The local hub has started no identity endpoint.');
    const values = localSettings(hub.endpoints, storageConnectionString, {
      ...options.hub,
      blastRadius: options.blastRadius,
      demoSweeps: options.demoSweeps,
    });
    let lastProblem = '';
    const host = await keepHostRunning(
      {
        name: 'The function host',
        script: join(root, 'dist/local/host.js'),
        options: {
          appRoot: functionAppFolder(root),
          settingsFile: await writeSettingsFile(runFolder, values),
          httpPort: ports.functions,
          queueClaimSeconds,
        },
        environment: hostEnvironment(process.env, { caFile, identity }, options.keepOwnSettings),
        onLine: (line) => {
          const problem = /^\S+ (?:error|critical) (.*)/.exec(line)?.[1];
          lastProblem = problem ?? lastProblem;
          if (problem !== undefined) onNotice(problem.length > 400 ? `${problem.slice(0, 400)}…` : problem);
        },
      },
      onNotice,
    );
    closing.push(() => host.close());
    await checkAppStarted(host.endpoints, lastProblem);
    onStep('Ready: Azurite, the local hub and the function host.');
    const storage = watchPort(storageConnectionString);
    closing.push(async () => storage.stop());
    const { twinkeeperConnectionString: _, hostName: __, identity: ___, ...hubEndpoints } = hub.endpoints;
    return {
      endpoints: {
        ...hubEndpoints,
        storageConnectionString,
        functionsUrl: host.endpoints.functionsUrl,
        ...host.keys,
        blastRadius: options.blastRadius,
      },
      failed: Promise.race([
        hub.ended.then(
          (how) => `The local hub ended with ${how}. Its devices and events were in memory and are lost: start again.`,
        ),
        storage.gone.then(
          () => 'Azurite ended. The history and the checkpoints were in its memory and are lost: start again.',
        ),
        host.failed,
      ]),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startHub(options: SystemOptions): Promise<ServiceProcess<LocalHubEndpoints>> {
  const { root, runFolder, ports, hubHost, hub } = options;
  const [folder, roles] = await Promise.all([hubFolder(root, runFolder, hubHost?.hostName), readDeployedRoles(root)]);
  const hubOptions: LocalHubOptions = {
    folder,
    httpsPort: ports.hub,
    amqpPort: ports.events,
    controlPort: ports.control,
    identities: [appIdentityWith(roles)],
    ...hubHost,
    ...hub,
  };
  return startServiceProcess({
    name: 'The local hub',
    script: join(root, 'dist/local/hub.js'),
    options: hubOptions,
  });
}

/**
 * Waits for two promises like `Promise.all`. If one of them rejects, waits for the other one before it rejects: the caller can then end the
 * service that has started.
 */
async function all<A, B>(a: Promise<A>, b: Promise<B>): Promise<[A, B]> {
  await Promise.allSettled([a, b]);
  return Promise.all([a, b]);
}

interface KeptHost {
  /** The endpoints of the first start. A restarted host has the same address and keys. */
  readonly endpoints: FunctionHostEndpoints;
  readonly keys: Keys;
  readonly failed: Promise<string>;
  close(): Promise<void>;
}

/** Starts the function host. Restarts it on the same port each time it ends. Its state is in storage, so nothing is lost. */
async function keepHostRunning(spec: ServiceSpec, onNotice: (text: string) => void): Promise<KeptHost> {
  const deaths: number[] = [];
  let closing = false;

  /** Records one exit of the function host. Throws when the host has ended too often within a minute. */
  function countDeath(how: string): void {
    deaths.push(Date.now());
    if (deaths.filter((at) => at > Date.now() - 60_000).length > restartsPerMinute) {
      throw new Error(`${how} This happened more than ${restartsPerMinute} times within a minute: giving up.`);
    }
    onNotice(`${how} Starting it again.`);
  }

  async function start(service: ServiceSpec): Promise<ServiceProcess<FunctionHostEndpoints>> {
    for (;;) {
      try {
        return await startServiceProcess<FunctionHostEndpoints>(service);
      } catch (error) {
        if (!(error instanceof KilledEarly)) throw error;
        countDeath(error.message);
      }
    }
  }

  let current = await start(spec);
  const { endpoints } = current;
  const { functionsUrl, functionKey, masterKey } = endpoints;
  const restartSpec = {
    ...spec,
    options: { ...spec.options, httpPort: Number(new URL(functionsUrl).port) },
    // The restarted function host keeps its keys, because addresses that users already have, such as the dashboard's, contain them.
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
        current = await start(restartSpec);
        if (closing) await current.close();
      }
      return await new Promise<never>(() => {});
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
  }

  return {
    endpoints,
    keys: { functionKey, masterKey },
    failed: watch(),
    async close() {
      closing = true;
      await current.close();
    },
  };
}

/**
 * Tries to connect to the table port every second. `gone` resolves when the port refuses the connection, because Azurite has then ended.
 */
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
