/** Runs a measurement in a child process, so that code loaded or compiled earlier does not affect the result. */
import { fork } from 'node:child_process';
import { hostEnvironment } from '../local/host-environment.ts';

export interface Apart {
  /** Path of the script that `bundleChild` has written. */
  readonly child: string;
  /** Options of the script, passed as JSON. */
  readonly options: object;
  /** App settings, added to the child's environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Command line options of Node. */
  readonly nodeOptions?: readonly string[];
}

/** Resolves with the child's result. Rejects with the end of the child's error output if it exits without a result. */
export function measureInChild<Result>({ child, options, settings = {}, nodeOptions = [] }: Apart): Promise<Result> {
  const forked = fork(child, [JSON.stringify(options)], {
    env: { ...benchEnvironment(process.env), ...settings },
    execArgv: [...nodeOptions],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let errors = '';
  forked.stderr?.on('data', (chunk: Buffer) => {
    errors = `${errors}${chunk}`.slice(-4000);
  });
  return new Promise((resolve, reject) => {
    let result: { readonly value: Result } | undefined;
    forked.once('message', (value) => {
      result = { value: value as Result };
    });
    forked.once('error', reject);
    forked.once('close', (code, signal) => {
      if (result !== undefined) return resolve(result.value);
      const exit = signal === null ? `code ${code}` : `signal ${signal}`;
      reject(new Error(`${child} exited with ${exit} without a result: ${errors.trim()}`));
    });
  });
}

/**
 * The environment for child processes. Leaves out app settings, which may name a real hub, and Node's compile cache, which makes a second
 * equal process faster than the first.
 */
export function benchEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const { NODE_COMPILE_CACHE: _, NODE_EXTRA_CA_CERTS: __, ...rest } = hostEnvironment(environment, '', false);
  return rest;
}
