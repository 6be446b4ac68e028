/**
 * Runs `twinkeeper local` from start to end. The order of the start: checks the build, chooses the ports and makes the run folder. Then
 * starts Azurite and the local hub at the same time, and the function host when both are ready. At last writes the endpoints file and
 * starts the demo. At the end, stops every service that was started, and removes every file that was written.
 */
import { rm } from 'node:fs/promises';
import { demoBlastRadius } from './demo/demo-blast-radius.ts';
import { checkEndpointsFile, writeEndpointsFile } from './endpoints-file.ts';
import { hubBehaviour } from './hub-behaviour.ts';
import { checkHubHost, hubPort } from './hub-host.ts';
import { npmEnded } from './npm-ended.ts';
import type { Output, StartProgress } from './output.ts';
import { type OutputLost, onOutputLost } from './output-lost.ts';
import { choosePorts } from './ports.ts';
import { checkBuild, createRunFolder, projectRoot } from './project.ts';
import type { RunOptions } from './run-options.ts';
import { startLocalSystem } from './start-services.ts';

/** The exit code for each signal that stops a run: 128 plus the number of the signal, as in shells. */
const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof signalCodes;

/**
 * How a run ends. `done`: the demo is over. `stopped`: a signal came, npm has ended, or standard output was lost. `failed`: a service ended
 * and cannot be restarted.
 */
type Ending =
  | { readonly type: 'done'; readonly exitCode: number }
  | { readonly type: 'stopped'; readonly exitCode: number; readonly why?: string }
  | { readonly type: 'failed'; readonly why: string };

type Stopped = Extract<Ending, { type: 'stopped' }>;

/** Functions of the command that show the progress of the start and the output of the run. */
export interface RunView {
  readonly progress: StartProgress;
  readonly openOutput: (options: RunOptions) => Promise<Output>;
}

/**
 * Runs the local system until the demo is over, a signal comes, npm ends, standard output is lost, or a service ends and cannot be restarted.
 * Resolves with the exit code.
 *
 * @throws An Error whose message is one line, when the local system cannot be started.
 */
export async function runLocal(options: RunOptions, { progress, openOutput }: RunView): Promise<number> {
  const stopped = Promise.race([awaitSignal(), awaitOutputLost(), awaitNpmEnded()]);
  const root = projectRoot();
  checkBuild(root);
  if (options.endpoints !== undefined) checkEndpointsFile(options.endpoints);
  const hubHost = options.hubHost === undefined ? undefined : await checkHubHost(options.hubHost);
  const ports = await choosePorts(options.portBase);
  progress.step('Starting the local system…');
  const runFolder = await createRunFolder(root);
  const cleanUps: (() => Promise<void>)[] = [() => rm(runFolder, { recursive: true, force: true })];
  const output = await openOutput(options);
  try {
    const starting = startLocalSystem({
      root,
      runFolder,
      ports: hubHost === undefined ? ports : { ...ports, hub: hubPort },
      ...(hubHost === undefined ? {} : { hubHost }),
      keepOwnSettings: !options.demo,
      blastRadius: demoBlastRadius(options),
      // With `--once`, the demo waits for sweeps that it asked for. Without `--once`, only the timer starts sweeps.
      demoSweeps: options.once === true && !options.events,
      hub: { ...hubBehaviour(options), routesEvents: options.events },
      onStep: (text) => progress.step(text),
      onNotice(text) {
        progress.clear();
        output.notice(text);
      },
    });
    cleanUps.push(() => starting.then((system) => system.close()).catch(() => {}));
    const system = await Promise.race([starting, stopped]);
    progress.clear();
    if ('type' in system) return exitCodeOf(system);
    if (options.endpoints !== undefined) {
      cleanUps.push(await writeEndpointsFile(options.endpoints, system.endpoints));
    }
    const ending = await Promise.race([
      stopped,
      system.failed.then((why): Ending => ({ type: 'failed', why })),
      output.run(system).then((exitCode): Ending => ({ type: 'done', exitCode })),
    ]);
    await output.close();
    return exitCodeOf(ending);
  } finally {
    progress.clear();
    await output.close();
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

/** Returns the exit code for an ending. If the ending has a reason, writes the reason to standard error. */
function exitCodeOf(ending: Ending): number {
  if ('why' in ending) process.stderr.write(`twinkeeper: ${ending.why}\n`);
  return ending.type === 'failed' ? 1 : ending.exitCode;
}

function awaitOutputLost(): Promise<Stopped> {
  return new Promise((resolve) => onOutputLost((lost: OutputLost) => resolve({ type: 'stopped', ...lost })));
}

async function awaitNpmEnded(): Promise<Stopped> {
  await npmEnded();
  return { type: 'stopped', exitCode: signalCodes.SIGHUP, why: 'npm has ended, so the local system ends too.' };
}

function awaitSignal(): Promise<Stopped> {
  return new Promise((resolve) => {
    let isStopping = false;
    for (const signal of Object.keys(signalCodes) as readonly Signal[]) {
      process.on(signal, () => {
        // A second signal ends this process at once. The services end by themselves when their parent process has ended.
        if (isStopping) process.exit(signalCodes[signal]);
        isStopping = true;
        resolve({ type: 'stopped', exitCode: signalCodes[signal] });
      });
    }
  });
}
