/**
 * Stands before an app on the function host: loads the app named by `BENCH_APP`, and writes one line when the handlers of it have taken
 * `BENCH_COUNT` events after the first `BENCH_SKIP`.
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
const skip = Number(process.env.BENCH_SKIP);
const count = Number(process.env.BENCH_COUNT);
let handled = 0;
let from: { readonly handled: number; readonly at: number } | undefined;
let isOver = false;

registerHook('postInvocation', ({ inputs: [bodies], error }) => {
  if (!Array.isArray(bodies) || isOver || (error !== undefined && error !== null)) return;
  handled += bodies.length;
  if (from === undefined) {
    if (handled >= skip) from = { handled, at: performance.now() };
  } else if (handled >= skip + count) {
    isOver = true;
    // The batch in which the count began and the one in which it ended may lie beside the exact numbers.
    const ms = ((performance.now() - from.at) * count) / (handled - from.handled);
    console.log(`bench: handled in ${ms} ms`);
  }
});
require(process.env.BENCH_APP ?? '');
