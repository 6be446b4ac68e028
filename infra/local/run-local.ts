/** `twinkeeper local` from beginning to end: what starts is ended again, and no file stays behind, however it ends. */
import { rm } from 'node:fs/promises';
import { checkEndpointsFile, writeEndpointsFile } from './endpoints-file.ts';
import { hubBehaviour } from './hub-behaviour.ts';
import type { Output } from './output.ts';
import { type OutputLost, onOutputLost } from './output-lost.ts';
import { choosePorts } from './ports.ts';
import { checkBuild, createRunFolder, projectRoot } from './project.ts';
import type { RunOptions } from './run-options.ts';
import { startLocalSystem } from './system.ts';

/** 128 + the signal's number, as shells have it. */
const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type Signal = keyof typeof signalCodes;

/** What ends a run: the demo's end, a signal, nobody who reads on, a service that cannot go on. */
type Ending =
  | { readonly type: 'done'; readonly exitCode: number }
  | { readonly type: 'asked'; readonly exitCode: number; readonly why?: string }
  | { readonly type: 'failed'; readonly why: string };

type Asked = Extract<Ending, { type: 'asked' }>;

/**
 * Runs until the demo is over, a signal comes, output is lost or a service fails for good, and resolves with the exit code. Rejects with one line for a
 * person when something does not start.
 */
export async function runLocal(
  options: RunOptions,
  openOutput: (options: RunOptions) => Promise<Output>,
): Promise<number> {
  const asked = Promise.race([awaitSignal(), awaitOutputLost()]);
  const root = projectRoot();
  checkBuild(root);
  if (options.endpoints !== undefined) checkEndpointsFile(options.endpoints);
  const ports = await choosePorts(options.portBase);
  const runFolder = await createRunFolder(root);
  const cleanUps: (() => Promise<void>)[] = [() => rm(runFolder, { recursive: true, force: true })];
  const output = await openOutput(options);
  try {
    const starting = startLocalSystem({
      root,
      runFolder,
      ports,
      keepOwnSettings: !options.demo,
      hub: { ...hubBehaviour(options), routesEvents: options.events },
      onNotice: (text) => output.notice(text),
    });
    cleanUps.push(() => starting.then((system) => system.close()).catch(() => {}));
    const system = await Promise.race([starting, asked]);
    if ('type' in system) return exitCodeOf(system);
    if (options.endpoints !== undefined) {
      const { endpoints } = options;
      cleanUps.push(await writeEndpointsFile(endpoints, system.endpoints));
    }
    const ending = await Promise.race([
      asked,
      system.failed.then((why): Ending => ({ type: 'failed', why })),
      output.run(system).then((exitCode): Ending => ({ type: 'done', exitCode })),
    ]);
    await output.close();
    return exitCodeOf(ending);
  } finally {
    await output.close();
    for (const cleanUp of cleanUps.reverse()) await cleanUp();
  }
}

/** Says why it ended, where that is not plain to see. */
function exitCodeOf(ending: Ending): number {
  if ('why' in ending) process.stderr.write(`twinkeeper: ${ending.why}\n`);
  return ending.type === 'failed' ? 1 : ending.exitCode;
}

function awaitOutputLost(): Promise<Asked> {
  return new Promise((resolve) => onOutputLost((lost: OutputLost) => resolve({ type: 'asked', ...lost })));
}

function awaitSignal(): Promise<Asked> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of Object.keys(signalCodes) as readonly Signal[]) {
      process.on(signal, () => {
        // Asked twice, it does not wait for anything; its services end by themselves when it is gone.
        if (asked) process.exit(signalCodes[signal]);
        asked = true;
        resolve({ type: 'asked', exitCode: signalCodes[signal] });
      });
    }
  });
}
