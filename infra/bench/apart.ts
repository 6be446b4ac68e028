/** Measuring in a process of its own, where nothing that was loaded or compiled before counts. */
import { fork } from 'node:child_process';
import { hostEnvironment } from '../local/host-environment.ts';

export interface Apart {
  /** A file that `bundleChild` has made. */
  readonly child: string;
  /** Given to it as JSON. */
  readonly options: object;
  /** Settings that it has beside the environment. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Options of Node itself. */
  readonly nodeOptions?: readonly string[];
}

/** Resolves with what the child sends. @throws What the child wrote last, when it ends without having sent anything. */
export function measureApart<Result>({ child, options, settings = {}, nodeOptions = [] }: Apart): Promise<Result> {
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
      const how = signal === null ? `code ${code}` : `signal ${signal}`;
      reject(new Error(`Measuring in ${child} ended with ${how} before there was a result: ${errors.trim()}`));
    });
  });
}

/**
 * Our environment without what would lead the app elsewhere: app settings, which may be those of a real hub, and the compile cache, with
 * which the second of two equal processes does less.
 */
export function benchEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
): Record<string, string | undefined> {
  const { NODE_COMPILE_CACHE: _, NODE_EXTRA_CA_CERTS: __, ...kept } = hostEnvironment(environment, '', false);
  return kept;
}
