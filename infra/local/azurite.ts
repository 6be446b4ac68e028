/** Starts Azurite, Microsoft's storage emulator, as a child process on loopback. It stores blobs, queues and tables. */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import type { Service } from './service-child.ts';

export interface AzuriteOptions {
  /** The folder for Azurite's files. When absent, Azurite keeps everything in memory. */
  readonly folder?: string;
  /** The ports. Azurite picks a free port for 0 or an absent one. */
  readonly blobPort?: number;
  readonly queuePort?: number;
  readonly tablePort?: number;
}

/** Azurite's account. Microsoft's documentation publishes its name and key, so they protect nothing. */
const account = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

/** Code that ends Azurite when its parent ends. The unreferenced channel does not keep Azurite running. */
const endWithParent = `data:text/javascript,process.on("disconnect", () => process.exit(0)); process.channel.unref()`;

/**
 * Starts Azurite and resolves when all three of its services listen. Rejects with one line when a port is in use, or when Azurite ends
 * before it is ready. Azurite sends no telemetry.
 */
export function startAzurite(options: AzuriteOptions = {}): Promise<Service<{ readonly connectionString: string }>> {
  const { folder, blobPort = 0, queuePort = 0, tablePort = 0 } = options;
  const child = fork(
    createRequire(import.meta.url).resolve('azurite/dist/src/azurite.js'),
    [
      '--silent',
      '--skipApiVersionCheck',
      '--disableTelemetry',
      ...(folder === undefined ? ['--inMemoryPersistence'] : ['--location', folder]),
      ...['--blobPort', String(blobPort), '--queuePort', String(queuePort), '--tablePort', String(tablePort)],
    ],
    { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], execArgv: ['--import', endWithParent], cwd: folder ?? tmpdir() },
  );
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      const endpoints = listeningUrls(output);
      if (endpoints === undefined) return;
      // The pipes are drained from now on: Azurite would block on a full pipe.
      child.stdout?.off('data', read).resume();
      child.stderr?.off('data', read).resume();
      resolve({
        endpoints: { connectionString: connectionString(endpoints) },
        close: () => stop(child, folder !== undefined),
      });
    };
    child.stdout?.on('data', read);
    child.stderr?.on('data', read);
    child.once('error', (error) => reject(new Error(`Azurite cannot be run: ${error.message}.`)));
    // On `close` all output has been read. On `exit` the last lines could still be in the pipes.
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

function connectionString(urls: ListeningUrls): string {
  const endpoint = ([service, url]: [string, string]) => `${service}Endpoint=${url}/${account.name}`;
  return [
    'DefaultEndpointsProtocol=http',
    `AccountName=${account.name}`,
    `AccountKey=${account.key}`,
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
    // SIGTERM makes Azurite write its files. Without files, nothing is worth the wait.
    child.kill(hasFiles ? 'SIGTERM' : 'SIGKILL');
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
  });
}
