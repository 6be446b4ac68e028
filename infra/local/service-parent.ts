/** Starts a service of the local system as a child process: forks it, waits until it is ready, reports when it has ended, and stops it. */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { explainMissingBuild } from './missing-build.ts';
import type { ServiceMessage } from './service-child.ts';

export interface ServiceSpec {
  /** The name of the service for messages, as the subject of a sentence. Example: `The function host`. */
  readonly name: string;
  /** The path of the built JavaScript file of the service. */
  readonly script: string;
  /** The options for the service. The service receives them as JSON. */
  readonly options: object;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Called with each line that the service writes to standard output or standard error. */
  readonly onLine?: (line: string) => void;
}

export interface ServiceProcess<Endpoints> {
  readonly endpoints: Endpoints;
  /** Resolves when the process has ended. The text says how: `signal SIGKILL`, `code 1`. */
  readonly ended: Promise<string>;
  /**
   * Sends SIGTERM to the process. Sends SIGKILL if the process has not ended after `patience` milliseconds. Resolves when the process has
   * ended.
   */
  close(patience?: number): Promise<void>;
}

/** Thrown when a signal killed a service before the service was ready. A second start of the service can succeed. */
export class KilledEarly extends Error {
  override readonly name = 'KilledEarly';
}

const defaultPatience = 3_000;

/** Milliseconds in which a service must be ready. A busy machine needs much longer than the usual second. */
const readyWithin = 180_000;

/**
 * Forks a service, and resolves when the service is ready. The service has a process group of its own. Ctrl-C therefore reaches only the
 * parent process, which ends its services in order. A service ends by itself when its parent process has ended.
 * @throws An Error with the service's own message, when the service could not start. If the service ended without a message, the message is
 * one line that says how it ended.
 */
export function startServiceProcess<Endpoints>(spec: ServiceSpec): Promise<ServiceProcess<Endpoints>> {
  const { name, script, options, environment = process.env, onLine = () => {} } = spec;
  const child = fork(script, [JSON.stringify(options)], {
    env: { ...environment },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  let lastLine = '';
  // After a crash, the last line of Node's output is the Node version. The line with the error comes earlier, so it is kept too.
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
    const timer = setTimeout(() => {
      reject(new Error(`${name} was not ready within ${readyWithin / 1000} s.`));
      child.kill('SIGKILL');
    }, readyWithin);
    child.once('message', () => clearTimeout(timer));
    child.once('error', (error) => reject(new Error(`${name} cannot be run: ${error.message}.`)));
    child.once('message', (message) => {
      const answer = message as ServiceMessage<Endpoints>;
      if ('failed' in answer) reject(new Error(`${name} does not start: ${answer.failed}`));
      else resolve({ endpoints: answer.ready, ended, close: (patience) => close(child, ended, patience) });
    });
    ended.then((how) => {
      clearTimeout(timer);
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
