/** One service of the local system, seen from its parent: forked, waited for, watched, ended. */
import { type ChildProcess, fork } from 'node:child_process';
import { createInterface } from 'node:readline';
import { explainMissingBuild } from './missing-build.ts';
import type { ServiceMessage } from './service.ts';

export interface ServiceSpec {
  /** As messages name it: `The function host`. */
  readonly name: string;
  /** The service's built file. */
  readonly script: string;
  /** Given to the service as JSON. */
  readonly options: object;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Called with each line that the service writes. */
  readonly onLine?: (line: string) => void;
}

export interface ServiceProcess<Endpoints> {
  readonly endpoints: Endpoints;
  /** Resolves when it has ended, however: `signal SIGKILL`, `code 1`. */
  readonly ended: Promise<string>;
  /** Asks it to end, and after `patience` milliseconds makes it. */
  close(patience?: number): Promise<void>;
}

/** Thrown when a service was killed before it was ready, so that it has no fault that starting it again would meet again. */
export class KilledEarly extends Error {
  override readonly name = 'KilledEarly';
}

const defaultPatience = 3_000;

/** When its parent was killed, a service may find what it wants to say goodbye to gone as well: it gets two seconds. */
const endSoonAfterParent = `data:text/javascript,process.on("disconnect", () => setTimeout(() => process.exit(1), 2000).unref())`;

/**
 * Forks a service and resolves when it is ready. It gets a process group of its own, so that Ctrl-C reaches the parent alone, which then
 * ends its services in order; it ends by itself when the parent is gone.
 * @throws What the service said when it failed, or one line when it ended without a word.
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
  // After a crash the last line is Node's version.
  let fault = '';
  for (const stream of [child.stdout, child.stderr]) {
    if (stream === null) continue;
    createInterface({ input: stream }).on('line', (line) => {
      if (line.trim() !== '') lastLine = line;
      if (/^\w*Error( \[\w+\])?: /.test(line)) fault = line;
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
      const lastWords = explainMissingBuild(fault || lastLine);
      const message = `${name} ended with ${how} before it was ready${lastWords === '' ? '.' : `: ${lastWords}`}`;
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
