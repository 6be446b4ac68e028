/**
 * Azurite, Microsoft's storage emulator, as a child process on loopback: blobs, queues and tables.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import type { Service } from './service.ts';

export interface AzuriteOptions {
  /** Where it keeps its files. Absent: everything stays in memory. */
  readonly folder?: string;
  /** Ports; 0 or absent picks a free one. */
  readonly blobPort?: number;
  readonly queuePort?: number;
  readonly tablePort?: number;
}

/** Azurite's well-known account: its name and key are in Microsoft's documentation and protect nothing. */
const account = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

/** Azurite does not end with its parent by itself; this does it, however the parent went, and keeps it from ending no longer. */
const endWithParent = `data:text/javascript,process.on("disconnect", () => process.exit(0)); process.channel.unref()`;

/**
 * Starts Azurite and resolves when all three of its services listen. Rejects with one line when a port is taken or it ends before
 * it is ready. Nothing goes out to the network: its telemetry is off.
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
      // From here on the pipes are only drained, so that it never blocks on a full one.
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
    // Not `exit`: the last words may still be in the pipes then.
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
    return `Azurite cannot listen on port ${taken}: it is in use. Stop what listens there, or choose other ports.`;
  }
  const lastLine = output.trim().split('\n').at(-1) ?? '';
  return `Azurite ended with code ${code} before it was ready${lastLine === '' ? '.' : `: ${lastLine}`}`;
}

function stop(child: ChildProcess, hasFiles: boolean): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('close', () => resolve());
    // Asked to, it writes its files and waits for open connections; nobody needs those any more.
    child.kill(hasFiles ? 'SIGTERM' : 'SIGKILL');
    setTimeout(() => child.kill('SIGKILL'), 5_000).unref();
  });
}
