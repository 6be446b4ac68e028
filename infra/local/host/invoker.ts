/**
 * Runs functions as the Node worker does: runs the hooks, creates the arguments, calls the handler and reads the response. Counts successes
 * and failures.
 */
import type {
  App,
  CoreInvocationContext,
  HookName,
  RegisteredFunction,
  RetryOptions,
  RpcInvocationRequest,
  RpcInvocationResponse,
  RpcRetryContext,
} from './core-api.ts';
import { describeError, type Log } from './log.ts';
import type { TriggerData } from './trigger-data.ts';

export interface InvocationCounts {
  readonly started: number;
  readonly succeeded: number;
  readonly failed: number;
}

/**
 * The result of an invocation. `returned` is the value that the handler returned. When an invocation fails, the invoker has already logged
 * and counted the failure.
 */
export type Outcome =
  | { readonly succeeded: true; readonly response: RpcInvocationResponse; readonly returned: unknown }
  | { readonly succeeded: false; readonly error: unknown };

export interface Invoker {
  /**
   * Runs the function, and resolves also when the function fails. Rejects only when there is no function of this name. With `retries`, a
   * failed run is repeated as the function's retry policy says.
   */
  invoke(name: string, data: () => TriggerData, options?: InvokeOptions): Promise<Outcome>;
  readonly counts: Readonly<Record<string, InvocationCounts>>;
  /** Resolves with true as soon as no invocation runs, or with false when invocations still run after `withinMs` milliseconds. */
  idle(withinMs: number): Promise<boolean>;
}

export interface InvokeOptions {
  readonly retries?: boolean;
  readonly invocationId?: string;
}

/**
 * Runs the callbacks of one hook in the order in which they were registered.
 * @throws The first error that a callback throws.
 */
export async function runHooks(app: App, name: HookName, context: object): Promise<void> {
  for (const callback of app.hooks[name]) await callback(context);
}

export function createInvoker(app: App, functionTimeoutMs: number, log: Log): Invoker {
  const counts: Record<string, { started: number; succeeded: number; failed: number }> = {};
  for (const name of app.functions.keys()) counts[name] = { started: 0, succeeded: 0, failed: 0 };
  const running = new Set<Promise<Outcome>>();

  async function once(registered: RegisteredFunction, data: TriggerData, id: string, retryContext?: RpcRetryContext) {
    const { metadata, callback } = registered;
    const model = app.programmingModel;
    if (model === undefined) throw new Error('The app has set no programming model: does it load @azure/functions?');
    const core = coreContext(metadata, request(registered, data, id, retryContext), log);
    const invocation = await model.getInvocationModel(core);
    const { context, inputs } = await invocation.getArguments();
    const shared = { hookData: {}, appHookData: app.appHookData, invocationContext: context };
    const before = { ...shared, inputs, functionCallback: callback };
    core.state = 'preInvocationHooks';
    await runHooks(app, 'preInvocation', before);
    core.state = 'invocation';
    const after = { ...shared, inputs: before.inputs, result: undefined as unknown, error: undefined as unknown };
    try {
      const result = invocation.invokeFunction(context, before.inputs, before.functionCallback);
      after.result = await withTimeout(result, functionTimeoutMs, metadata.name);
    } catch (error) {
      after.error = error ?? new Error(`The handler threw ${error}.`);
    }
    core.state = 'postInvocationHooks';
    await runHooks(app, 'postInvocation', after);
    core.state = undefined;
    if (after.error !== undefined && after.error !== null) throw after.error;
    return { response: await invocation.getResponse(context, after.result), returned: after.result };
  }

  async function counted(name: string, data: () => TriggerData, options: InvokeOptions): Promise<Outcome> {
    const registered = app.functions.get(name);
    const count = counts[name];
    if (registered === undefined || count === undefined) throw new Error(`There is no function "${name}".`);
    const retry = options.retries === true ? registered.metadata.retryOptions : undefined;
    // As in the runtime, all attempts have the same invocation id.
    const id = options.invocationId ?? crypto.randomUUID();
    let retryContext: RpcRetryContext | undefined;
    for (let attempt = 0; ; attempt++) {
      count.started++;
      if (retry !== undefined) {
        retryContext = { ...retryContext, retryCount: attempt, maxRetryCount: retry.maxRetryCount };
      }
      const from = performance.now();
      const elapsed = () => `${Math.round(performance.now() - from)} ms`;
      try {
        const result = await once(registered, data(), id, retryContext);
        count.succeeded++;
        log('debug', name, `invocation ${id} succeeded in ${elapsed()}`);
        return { succeeded: true, ...result };
      } catch (error) {
        count.failed++;
        log('error', name, `invocation ${id} failed after ${elapsed()}: ${describeError(error)}`);
        if (retry === undefined || (retry.maxRetryCount !== -1 && attempt >= retry.maxRetryCount)) {
          return { succeeded: false, error };
        }
        if (retryContext !== undefined) retryContext = { ...retryContext, exception: rpcException(name, error) };
        await new Promise((resolve) => setTimeout(resolve, retryDelayMs(retry, attempt)));
      }
    }
  }

  return {
    counts,
    invoke(name, data, options = {}) {
      const invocation = counted(name, data, options);
      running.add(invocation);
      return invocation.finally(() => running.delete(invocation));
    },
    async idle(withinMs) {
      const all = async () => {
        while (running.size > 0) await Promise.allSettled(running);
        return true;
      };
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<boolean>((resolve) => {
        timer = setTimeout(() => resolve(false), withinMs);
      });
      return Promise.race([all(), late]).finally(() => clearTimeout(timer));
    },
  };
}

function request(
  { metadata }: RegisteredFunction,
  data: TriggerData,
  invocationId: string,
  retryContext: RpcRetryContext | undefined,
): RpcInvocationRequest {
  const trigger = Object.entries(metadata.bindings).find(([, binding]) => /trigger$/i.test(binding.type));
  return {
    invocationId,
    functionId: metadata.name,
    inputData: [{ name: trigger?.[0] ?? '', data: data.value }],
    triggerMetadata: data.metadata,
    ...(retryContext !== undefined && { retryContext }),
  };
}

/** The error of an attempt, as the runtime describes it to the next attempt. */
function rpcException(functionName: string, error: unknown): NonNullable<RpcRetryContext['exception']> {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  return {
    source: 'System.Private.CoreLib',
    stackTrace: stack,
    message: `Exception while executing function: Functions.${functionName} ---> Result: Failure\nException: ${message}`,
  };
}

function coreContext(
  metadata: RegisteredFunction['metadata'],
  rpcRequest: RpcInvocationRequest,
  log: Log,
): CoreInvocationContext {
  return {
    invocationId: rpcRequest.invocationId,
    request: rpcRequest,
    metadata,
    state: undefined,
    log: (level, _category, message) => log(level, metadata.name, message),
  };
}

/**
 * Waits at most `ms` milliseconds for a handler, and then throws an Error. The handler itself continues. The real runtime would end the
 * whole worker process.
 */
async function withTimeout<T>(work: Promise<T>, ms: number, name: string): Promise<T> {
  if (!Number.isFinite(ms)) return work;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const error = new Error(`Function "${name}" ran longer than functionTimeout, ${ms / 1000} s.`);
    timer = setTimeout(() => reject(error), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

function retryDelayMs(retry: RetryOptions, attempt: number): number {
  if (retry.retryStrategy === 'fixedDelay') return (retry.delayInterval?.seconds ?? 0) * 1000;
  const [least, most] = [retry.minimumInterval?.seconds ?? 4, retry.maximumInterval?.seconds ?? 60];
  return Math.min(most, least * 2 ** attempt) * 1000;
}
