/** Starts Azurite as a child process on loopback. Azurite is Microsoft's emulator of Azure Storage: blobs, queues and tables. */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import type { Service } from './service-child.ts';
import { localAccount } from './storage-account.ts';

export interface AzuriteOptions {
  /** The folder where Azurite stores its data. When absent, Azurite keeps all data in memory. */
  readonly folder?: string;
  /** The ports of the three services. If a port is 0 or absent, Azurite uses a free port. */
  readonly blobPort?: number;
  readonly queuePort?: number;
  readonly tablePort?: number;
  /** The names of the accounts. All have the documented key. When absent, Azurite has its documented account only. */
  readonly accounts?: readonly [string, ...string[]];
}

/** The build copies this file beside the built code. */
const endWithParent = new URL('./end-with-parent.js', import.meta.url).href;

/**
 * Starts Azurite, without telemetry. Resolves with the connection string of the first account when its services listen. Rejects with an
 * Error whose message is one line, when a port is in use or when Azurite ends before it is ready.
 */
export function startAzurite(options: AzuriteOptions = {}): Promise<Service<{ readonly connectionString: string }>> {
  const { folder, blobPort = 0, queuePort = 0, tablePort = 0, accounts = [localAccount.name] } = options;
  const child = fork(
    createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'),
    [
      '--silent',
      '--skipApiVersionCheck',
      '--disableTelemetry',
      ...(folder === undefined ? ['--inMemoryPersistence'] : ['--location', folder]),
      ...['--blobPort', String(blobPort), '--queuePort', String(queuePort), '--tablePort', String(tablePort)],
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: ['--import', endWithParent],
      cwd: folder ?? tmpdir(),
      // Ctrl-C reaches all processes of a group. In a group of its own, Azurite serves the function host until the host has ended.
      detached: true,
      env: { ...process.env, AZURITE_ACCOUNTS: accounts.map((name) => `${name}:${localAccount.key}`).join(';') },
    },
  );
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const endpoints = listeningUrls(output);
      if (endpoints === undefined) return;
      // From now on, Azurite's output is read and discarded: Azurite would stop at a full pipe.
      child.stdout?.off('data', read).resume();
      child.stderr?.off('data', read).resume();
      resolve({
        endpoints: { connectionString: connectionString(endpoints, accounts[0]) },
        close: () => stop(child, folder !== undefined),
      });
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', (error) => reject(new Error(`Azurite cannot be run: ${error.message}.`)));
    // `close` comes after all output has been read. At `exit`, the last lines could still be in the pipes.
    child.once('close', (code) => reject(new Error(whyItEnded(output, code))));
  });
}

interface ListeningUrls {
  readonly Blob: string;
  readonly Queue: string;
  readonly Table: string;
}

function listeningUrls(output: string): ListeningUrls | undefined {
  const url = (service: string) =>
    new RegExp(`Azurite ${service} service is successfully listening at (\\S+)`).exec(output)?.[1];
  const [Blob, Queue, Table] = [url('Blob'), url('Queue'), url('Table')];
  return Blob === undefined || Queue === undefined || Table === undefined ? undefined : { Blob, Queue, Table };
}

function connectionString(urls: ListeningUrls, name: string): string {
  const endpoint = ([service, url]: [string, string]) => `${service}Endpoint=${url}/${name}`;
  return [
    'DefaultEndpointsProtocol=http',
    `AccountName=${name}`,
    `AccountKey=${localAccount.key}`,
    ...Object.entries(urls).map(endpoint),
  ].join(';');
}

function whyItEnded(output: string, code: number | null): string {
  const taken = /EADDRINUSE.*?:(\d+)\s*$/m.exec(output)?.[1];
  if (taken !== undefined) {
    return `Azurite cannot listen on port ${taken}: the port is in use. Stop the program that listens there, or choose other ports.`;
  }
  const lastLine = output.trim().split('\n').at(-1) ?? '';
  return `Azurite ended with code ${code} before it was ready${lastLine === '' ? '.' : `: ${lastLine}`}`;
}

function stop(child: ChildProcess, hasFiles: boolean): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    // SIGTERM lets Azurite write its data to the folder. Without a folder, Azurite is killed at once.
    child.kill(hasFiles ? 'SIGTERM' : 'SIGKILL');
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
  });
}
