/** Runs the built `twinkeeper` command as a user would, and looks at its processes from outside. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const project = resolve(import.meta.dirname, '../..');

export interface Run {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with its exit code when it has ended and all its output is here. */
  readonly ended: Promise<number | null>;
  /** Resolves when a line of its standard output says this. Rejects when it ends before. */
  says(text: string): Promise<void>;
  /** The ids of the processes that it has started, by what their command line holds. */
  services(): readonly { readonly pid: number; readonly command: string }[];
}

/** Starts `twinkeeper` with these arguments, in this project folder. */
export function twinkeeper(args: readonly string[], root = project): Run {
  const command = join(root, 'dist/twinkeeper.js');
  if (!existsSync(command)) throw new Error(`${command} is missing: npm run build comes before these tests.`);
  // As in many a company: what is on this machine cannot be reached through its proxy.
  const proxy = 'http://127.0.0.1:9';
  const env = { ...process.env, http_proxy: proxy, https_proxy: proxy, NO_PROXY: undefined, no_proxy: undefined };
  const child = spawn(process.execPath, [command, ...args], { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)));
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    says: (text) =>
      new Promise((done, fail) => {
        const look = () => stdout.includes(text) && done();
        child.stdout.on('data', look);
        look();
        ended.then((code) => fail(new Error(`It ended with ${code} and never said "${text}": ${stdout}${stderr}`)));
      }),
    services: () =>
      execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 1 << 26 })
        .split('\n')
        .flatMap((line) => {
          const [, pid, parent, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
          return Number(parent) === child.pid && args !== undefined && !args.startsWith('ps ')
            ? [{ pid: Number(pid), command: args }]
            : [];
        }),
  };
}

/** Whether a process is there. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
