/** Runs the built `twinkeeper` command like a user, and lists the processes that the command starts. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
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
  /** The processes that the command has started, and the processes that these have started. */
  services(): readonly RunningProcess[];
}

export interface RunningProcess {
  readonly pid: number;
  readonly command: string;
}

/** Starts the `twinkeeper` command with these arguments, in the folder of a project. */
export function twinkeeper(args: readonly string[], root = project): Run {
  const command = join(root, 'dist/twinkeeper.js');
  if (!existsSync(command)) throw new Error(`${command} is missing: run \`npm run build\` before these tests.`);
  return run(process.execPath, [command, ...args], root);
}

/**
 * Runs `npm start` with these arguments, in a folder that this function fills. The folder uses the build of this project. `npm start` does
 * not build it again, because other tests use the same build.
 */
export async function npmStart(args: readonly string[], folder: string): Promise<Run> {
  for (const name of ['dist', 'host.json', 'node_modules']) await symlink(join(project, name), join(folder, name));
  const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as { readonly scripts: object };
  const scripts = { ...manifest.scripts, build: 'echo Built.' };
  await writeFile(join(folder, 'package.json'), JSON.stringify({ ...manifest, scripts }));
  return run('npm', ['start', '--', ...args], folder);
}

function run(program: string, args: readonly string[], root: string): Run {
  // No proxy server listens at this address, so a connection through it fails. The command must connect to services on this machine without
  // a proxy.
  const proxy = 'http://127.0.0.1:9';
  const env = { ...process.env, http_proxy: proxy, https_proxy: proxy, NO_PROXY: undefined, no_proxy: undefined };
  const child = spawn(program, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
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
    services: () => descendants(child.pid ?? 0),
  };
}

function descendants(pid: number): readonly RunningProcess[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8', maxBuffer: 1 << 26 }).split(
    '\n',
  );
  const byParent = Map.groupBy(
    lines.flatMap((line) => {
      const [, id, parent, command = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      return command === '' || command.startsWith('ps ') ? [] : [{ pid: Number(id), parent: Number(parent), command }];
    }),
    ({ parent }) => parent,
  );
  const below = (parent: number): readonly RunningProcess[] =>
    (byParent.get(parent) ?? []).flatMap((child) => [child, ...below(child.pid)]);
  return below(pid);
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
