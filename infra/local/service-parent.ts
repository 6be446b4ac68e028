/** The parent's side of a service of the local system: it forks the service, waits until it is ready, watches it and ends it. */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { explainMissingBuild } from './missing-build.ts';
import type { ServiceMessage } from './service-child.ts';

export interface ServiceSpec {
  /** The name in messages, as the subject of a sentence: `The function host`. */
  readonly name: string;
  /** The path of the service's built file. */
  readonly script: string;
  /** The options of the service. It receives them as JSON. */
  readonly options: object;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Called with each line that the service writes to standard output or standard error. */
  readonly onLine?: (line: string) => void;
}

export interface ServiceProcess<Endpoints> {
  readonly endpoints: Endpoints;
  /** Resolves when the process has ended, with the way it ended: `signal SIGKILL`, `code 1`. */
  readonly ended: Promise<string>;
  /** Sends SIGTERM, and SIGKILL after `patience` milliseconds. Resolves when the process has ended. */
  close(patience?: number): Promise<void>;
}

/** Thrown when a signal killed a service before it was ready. Starting the service again can succeed. */
export class KilledEarly extends Error {
  override readonly name = 'KilledEarly';
}

const defaultPatience = 3_000;

/** Code that ends a service at most two seconds after its parent. Closing takes longer when the other services have ended as well. */
const endSoonAfterParent = `data:text/javascript,process.on("disconnect", () => setTimeout(() => process.exit(1), 2000).unref())`;

/**
 * Forks a service and resolves when the service is ready. The service has its own process group, so Ctrl-C reaches only the parent, which
 * ends its services in order. A service ends by itself when its parent has ended.
 * @throws The message of the service when it failed, or one line when it ended without a message.
 */
export function startServiceProcess<Endpoints>(spec: ServiceSpec): Promise<ServiceProcess<Endpoints>> {
  const { name, script, options, environment = process.env, onLine = () => {} } = spec;
  const child = fork(script, [JSON.stringify(options)], {
    env: { ...environment },
    execArgv: ['--import', endSoonAfterParent],
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let lastLine = '';
  // The last line of a crash is Node's version, so the line with the error is kept too.
  let errorLine = '';
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() !== '') lastLine = line;
      if (/^\w*Error( \[\w+\])?: /.test(line)) errorLine = line;
      onLine(line);
    });
  }
  const ended = new Promise<string>((resolve) => {
    child.once('close', (code, signal) => resolve(signal === null ? `code ${code}` : `signal ${signal}`));
  });
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${name} cannot be run: ${error.message}.`)));
    child.once('message', (message) => {
      const answer = message as ServiceMessage<Endpoints>;
      if ('failed' in answer) reject(new Error(`${name} does not start: ${answer.failed}`));
      else resolve({ endpoints: answer.ready, ended, close: (patience) => close(child, ended, patience) });
    });
    ended.then((how) => {
      const reason = explainMissingBuild(errorLine || lastLine);
      const message = `${name} ended with ${how} before it was ready${reason === '' ? '.' : `: ${reason}`}`;
      reject(how.startsWith('signal') ? new KilledEarly(message) : new Error(message));
    });
  });
}

async function close(child: ChildProcess, ended: Promise<string>, patience = defaultPatience): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  await ended;
  clearTimeout(timer);
}
