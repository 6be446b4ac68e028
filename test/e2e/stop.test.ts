import { cp, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { isAlive, npmStart, project, type Run, type RunningProcess, twinkeeper } from './twinkeeper.ts';

const runs: Run[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const run of runs.splice(0)) {
    run.child.kill('SIGTERM');
    await run.ended;
  }
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
});

function start(...args: readonly string[]): Run {
  const run = twinkeeper(['local', ...args]);
  runs.push(run);
  return run;
}

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-e2e-'));
  folders.push(folder);
  return folder;
}

/** Waits until none of these processes is alive. Rejects when one is still alive after fifteen seconds. */
function haveEnded(processes: readonly RunningProcess[]): Promise<unknown> {
  return vi.waitUntil(() => processes.every(({ pid }) => !isAlive(pid)), { timeout: 15_000, interval: 50 });
}

describe('npm start', () => {
  // npm passes on SIGTERM, but only to its shell. SIGHUP and SIGKILL end npm at once.
  it.each(['SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('leaves no process behind after %s to npm', async (signal) => {
    const run = await npmStart(['--no-demo'], await temporary());
    runs.push(run);
    await run.says('Ready.');
    const processes = run.services();
    expect(
      processes.filter(({ command }) => /^\S*node .*(azurite|hub|host|twinkeeper)\.js/.test(command)),
    ).toHaveLength(4);
    run.child.kill(signal);
    await haveEnded(processes);
  });
});

describe('twinkeeper local', () => {
  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)('leaves no process behind after %s', async (signal) => {
    const file = join(await temporary(), 'endpoints.json');
    const run = start('--no-demo', '--endpoints', file);
    await run.says('Ready.');
    expect(Object.keys(JSON.parse(await readFile(file, 'utf8')) as object).toSorted()).toEqual(
      ['blastRadius', 'caFile', 'controlUrl', 'eventHubConnectionString', 'eventHubName', 'functionKey'].concat([
        'functionsUrl',
        'iotHubConnectionString',
        'masterKey',
        'storageConnectionString',
      ]),
    );
    const services = run.services();
    expect(services).toHaveLength(3);
    run.child.kill(signal);
    await run.ended;
    await haveEnded(services);
    if (signal === 'SIGKILL') return;
    expect(run.child.exitCode).toBe({ SIGINT: 130, SIGTERM: 143, SIGHUP: 129 }[signal]);
    await expect(readFile(file)).rejects.toThrow('ENOENT');
    const left = await readdir(join(project, '.twinkeeper'));
    expect(left.filter((name) => name.startsWith(`run-${run.child.pid}-`))).toEqual([]);
  });

  it('ends with a message when the local hub dies', async () => {
    const run = start('--no-demo');
    await run.says('Ready.');
    const services = run.services();
    process.kill(services.find(({ command }) => command.includes('hub.js'))?.pid ?? 0, 'SIGKILL');
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toContain('The local hub ended with signal SIGKILL');
    expect(services.filter(({ pid }) => isAlive(pid))).toEqual([]);
  });

  it('names all wrong settings of the app in one line, and ends', async () => {
    vi.stubEnv('TWINKEEPER_MODE', 'watch');
    vi.stubEnv('TWINKEEPER_HUB_UNITS', '0');
    const run = start('--no-demo');
    vi.unstubAllEnvs();
    expect(await run.ended).toBe(1);
    expect(run.stderr().trim().split('\n').at(-1)).toMatch(
      /^twinkeeper: The app has not started\. TWINKEEPER_MODE must be .*TWINKEEPER_HUB_UNITS must be /,
    );
  });

  it('names a port that is in use, and the option that changes it', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1' }, resolve));
    const port = (server.address() as { port: number }).port;
    try {
      const run = start('--no-demo', '--port-base', String(port));
      expect(await run.ended).toBe(1);
      expect(run.stderr()).toMatch(new RegExp(`^twinkeeper: Port ${port} .*in use.*--port-base.*\n$`));
      expect(run.stdout()).toBe('');
    } finally {
      server.close();
    }
  });

  it('asks for a build when a part of the build is missing', async () => {
    const root = await temporary();
    await cp(join(project, 'dist'), join(root, 'dist'), {
      recursive: true,
      filter: (file) => !file.endsWith('main.cjs'),
    });
    await cp(join(project, 'host.json'), join(root, 'host.json'));
    await cp(join(project, 'package.json'), join(root, 'package.json'));
    await symlink(join(project, 'node_modules'), join(root, 'node_modules'));
    const run = twinkeeper(['local', '--no-demo'], root);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(/^twinkeeper: .*main\.cjs is missing: run `npm run build`\.\n$/);
  });

  it.each([
    [['--json'], /--json needs --once/],
    [['--once', '--no-demo'], /--once/],
    [['--devices', '0'], /whole number from 1/],
    [['--port-base', '65530'], /whole number from 1 to 65529/],
    [['--endpoints', '/no/such/folder/endpoints.json'], /no folder \/no\/such\/folder/],
  ])('refuses the options %j with one line', async (args, message) => {
    const run = start(...args);
    expect(await run.ended).toBe(1);
    expect(run.stderr()).toMatch(message);
  });
});
