import type { Output } from '../../local/output.ts';
import { addressLines } from './addresses.ts';

/** The output of `--no-demo`: prints the addresses of the services once. */
export function servicesOutput(): Output {
  return {
    notice: (text) => void process.stderr.write(`${text}\n`),
    run(system) {
      process.stdout.write(`${addressLines(system.endpoints).join('\n')}\nReady. Ctrl-C ends it.\n`);
      return new Promise<never>(() => {});
    },
    async close() {},
  };
}
