/** Runs a measurement in a child process. Code that was loaded or compiled earlier can then not change the result. */
import { fork } from 'node:child_process';
import { withoutAppSettings } from '../local/host-environment.ts';

export interface Apart {
  /** Path of the script that the child process runs. `bundleChild` has written it. */
  readonly child: string;
  /** Options for the script. The child process gets them as JSON. */
  readonly options: object;
  /** App settings that are added to the child's environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Node's command line options for the child process. */
  readonly nodeOptions?: readonly string[];
}

/**
 * Resolves with the result that the child process sends. If the child process exits without a result, rejects with the last 4,000
 * characters of its error output.
 */
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
 * The environment for child processes. It has no app settings, because they may name a real hub. It has no `NODE_COMPILE_CACHE`, because
 * the cache would make the second of two equal processes faster than the first.
 */
export function benchEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  const { NODE_COMPILE_CACHE: _, NODE_EXTRA_CA_CERTS: __, ...rest } = withoutAppSettings(environment, false);
  return rest;
}
