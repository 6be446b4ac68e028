/**
 * Loads the app at the path in the environment variable `BENCH_APP`. After each batch of events, prints the number of events that the app
 * has handled so far.
 */
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
  // Only the event hub trigger passes an array to a function.
  if (!Array.isArray(bodies) || (error !== undefined && error !== null)) return;
  handled += bodies.length;
  process.stdout.write(`bench: handled ${handled}\n`);
});
require(process.env.BENCH_APP ?? '');
