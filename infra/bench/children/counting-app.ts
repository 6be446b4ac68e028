/** Stands before the app named by `BENCH_APP` on the function host, and writes a line with the number of events it has handled so far. */
import { createRequire } from 'node:module';

interface Invocation {
  readonly inputs: readonly unknown[];
  readonly error: unknown;
}

const require = createRequire(import.meta.url);
const { registerHook } = require('@azure/functions-core') as {
  registerHook(name: 'postInvocation', callback: (invocation: Invocation) => void): unknown;
};
let handled = 0;

registerHook('postInvocation', ({ inputs: [bodies], error }) => {
  // Those of other triggers hold one thing, not a batch.
  if (!Array.isArray(bodies) || (error !== undefined && error !== null)) return;
  handled += bodies.length;
  process.stdout.write(`bench: handled ${handled}\n`);
});
require(process.env.BENCH_APP ?? '');
