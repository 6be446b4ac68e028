/** Runs the built `twinkeeper` command like a user, and lists the processes that the command starts. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';

export const project = resolve(import.meta.dirname, '../..');

export interface Run {
  readonly child: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the exit code after the command has ended and all its output has been read. */
  readonly ended: Promise<number | null>;
  /** Resolves when the standard output of the command contains the text. Rejects when the command ends before that. */
  says(text: string): Promise<void>;
  /** The child processes of the command, with the command line of each. */
  services(): readonly { readonly pid: number; readonly command: string }[];
}

/** Starts the `twinkeeper` command with these arguments, in the folder of a project. */
export function twinkeeper(args: readonly string[], root = project): Run {
  const command = join(root, 'dist/twinkeeper.js');
  if (!existsSync(command)) throw new Error(`${command} is missing: run \`npm run build\` before these tests.`);
  // This address has no proxy. The command must connect to services on this machine without a proxy.
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
        ended.then((code) =>
          fail(new Error(`The command ended with ${code} before it printed "${text}": ${stdout}${stderr}`)),
        );
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

/** Whether a process with this id exists. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
