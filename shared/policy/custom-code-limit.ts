import { AsyncLocalStorage } from 'node:async_hooks';
import { createContext, Script } from 'node:vm';
import { describeThrown } from './describe-thrown.ts';

/** A call of a function that the author of a policy wrote. */
export interface CustomCall {
  readonly policy: string;
  readonly functionName: 'evaluate' | 'appliesTo';
  readonly deviceId: string;
  /** The module whose twin `evaluate` receives. `''` for the device twin. Absent for `appliesTo`. */
  readonly moduleId?: string;
  /** The state of the device or the twin, as text. A late error counts only while the state stays the same. */
  readonly state: string;
}

/** An error that custom code threw after its call returned, for example in a timer. */
export interface LateError {
  readonly call: CustomCall;
  /** A sentence for the history, such as `evaluate threw Error: no answer, after it had returned`. */
  readonly message: string;
}

/** Maximum milliseconds of processor time that custom code may use in one call. */
const timeLimit = 250;

/**
 * Milliseconds that a call may take, in three attempts. A busy machine gives the process little processor time, so the call is repeated with
 * more time when it was stopped before it used up the {@link timeLimit}.
 */
const attempts = [timeLimit, 4 * timeLimit, 16 * timeLimit];

/**
 * An attempt counts as having used up its processor time at 80 % of the limit, because processor time is measured less exactly than real
 * time.
 */
const usedUp = 0.8 * timeLimit;

/** Number of calls in a row that may take too long. The function then rests. */
const mostTimeOuts = 3;

/** Milliseconds for which a function rests that took too long again and again. Each such call blocks the whole process. */
const rest = 60_000;

const mostLateErrors = 1000;

const calls = new AsyncLocalStorage<CustomCall>();
const lateErrors = new Map<string, LateError>();
const timeOuts = new WeakMap<object, { count: number; restsUntil: number }>();

/**
 * Calls a function that the author of a policy wrote, with a time limit.
 *
 * @param author The function of the author. It identifies the function for which time-outs are counted.
 * @param run Calls the function and reads its result. The result can run code of the author too, for example in a getter.
 * @throws an Error when the function throws, takes too long, rests, or threw a late error for the same state before.
 */
export function runCustomCode<T>(call: CustomCall, author: object, run: () => T): T {
  const late = lateErrors.get(keyOf(call));
  if (late?.call.state === call.state) throw new CustomCodeError(late.message);
  const timedOut = timeOuts.get(author);
  if (timedOut !== undefined && performance.now() < timedOut.restsUntil) {
    throw new CustomCodeError(`${tookTooLong(call)} ${mostTimeOuts} times in a row, and is not called for a minute`);
  }
  try {
    const outcome = calls.run(call, () => callWithTimeLimit(() => attempt(run))) as Outcome<T>;
    timeOuts.delete(author);
    if ('thrown' in outcome) throw new CustomCodeError(`${call.functionName} threw ${outcome.thrown}`);
    return outcome.result;
  } catch (error) {
    if (!isTimeOut(error)) throw error;
    const count = (timedOut?.count ?? 0) + 1;
    timeOuts.set(author, { count, restsUntil: count < mostTimeOuts ? 0 : performance.now() + rest });
    throw new CustomCodeError(tookTooLong(call));
  }
}

/** Whether the present code runs in {@link shareTimeLimit}, so that calls of custom code need no limit of their own. */
let isTimeShared = false;

/**
 * Runs code that calls custom code for many twins, with one time limit for all of it. To set up a limit takes a millisecond, which is much longer
 * than most custom code takes.
 *
 * @param run Must leave nothing half-done when it is stopped: its `finally` blocks do not run then.
 * @returns `undefined` when the code was stopped. The caller then runs it for each twin alone, so that each has a limit of its own.
 */
export function shareTimeLimit<T>(run: () => T): { readonly result: T } | undefined {
  const context = calls.getStore();
  isTimeShared = true;
  try {
    return { result: runScript(run, timeLimit) as T };
  } catch (error) {
    if (!isTimeOut(error)) throw error;
    // A call of custom code that was stopped has not left its context.
    calls.enterWith(context as CustomCall);
    return undefined;
  } finally {
    isTimeShared = false;
  }
}

/** An error of custom code. The message is a sentence for the history: `evaluate threw RangeError: too much`. */
class CustomCodeError extends Error {
  override readonly name = 'CustomCodeError';
}

/** Describes an error that {@link runCustomCode} threw, for the history. */
export function describeCustomError(error: unknown): string {
  return error instanceof CustomCodeError ? error.message : describeThrown(error);
}

/** The result of a function, or a description of the value that it threw. */
type Outcome<T> = { readonly result: T } | { readonly thrown: string };

/** Calls a function, and describes what it throws. The description can run code of the author, for example the getter of a message. */
function attempt<T>(run: () => T): Outcome<T> {
  try {
    return { result: run() };
  } catch (error) {
    return { thrown: describeThrown(error) };
  }
}

/**
 * Catches the errors that custom code throws after its call returned, and promises of custom code that are rejected later. Without this
 * function, such an error ends the process. Also makes `process.exit` throw in custom code. All other code works as before. Call this function
 * once in a process.
 *
 * @param onLateError Called for the first late error of each call and state. A timer can throw a thousand times a second. It must not throw.
 */
export function catchLateErrors(onLateError: (error: LateError) => void): void {
  refuseToExit();
  const isLateError = (error: unknown): boolean => {
    const call = calls.getStore();
    if (call === undefined) return false;
    if (lateErrors.get(keyOf(call))?.call.state === call.state) return true;
    const late = { call, message: `${call.functionName} threw ${describeLate(error)}, after it had returned` };
    remember(late);
    onLateError(late);
    return true;
  };
  process.on('unhandledRejection', (reason) => {
    if (isLateError(reason) || process.listenerCount('unhandledRejection') > 1) return;
    // Without a listener, Node would treat the rejection as an exception. This listener must not change that.
    throw reason;
  });
  // The worker of Azure Functions ends the process in its listener for uncaught exceptions. Node calls this function instead of listeners.
  process.setUncaughtExceptionCaptureCallback((error) => {
    if (isLateError(error)) return;
    const listeners = process.listeners('uncaughtException');
    for (const listener of listeners) listener(error, 'uncaughtException');
    if (listeners.length > 0) return;
    console.error(error);
    process.exit(1);
  });
}

/** Makes `process.exit` throw an error in custom code. Otherwise one policy would end the process again with each start. */
function refuseToExit(): void {
  const { exit } = process;
  process.exit = (code) => {
    if (calls.getStore() !== undefined) throw new Error('a policy must not call process.exit');
    return exit.call(process, code);
  };
}

/** Describes a late error. The time is limited, because the error can have getters that never return. */
function describeLate(error: unknown): string {
  try {
    return callWithTimeLimit(() => describeThrown(error)) as string;
  } catch {
    return 'a value that cannot be shown';
  }
}

function remember(late: LateError): void {
  const key = keyOf(late.call);
  lateErrors.delete(key);
  lateErrors.set(key, late);
  for (const oldest of lateErrors.keys()) {
    if (lateErrors.size <= mostLateErrors) break;
    lateErrors.delete(oldest);
  }
}

function keyOf({ policy, functionName, deviceId, moduleId }: CustomCall): string {
  return JSON.stringify([policy, functionName, deviceId, moduleId]);
}

function tookTooLong({ functionName }: CustomCall): string {
  return `${functionName} took longer than ${timeLimit} ms`;
}

/**
 * True when an error is the time-out of the `vm` script. That error comes from another context, where `instanceof Error` does not work. So
 * this function checks the code of the error.
 */
function isTimeOut(error: unknown): boolean {
  try {
    return (error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
  } catch {
    return false;
  }
}

const script = new Script('call()');
const sandbox: { call?: () => unknown } = {};
let sandboxContext: ReturnType<typeof createContext> | undefined;

/** Runs a function inside a `vm` script with a time limit. Nothing else can stop synchronous code that does not return. */
function callWithTimeLimit(run: () => unknown): unknown {
  if (isTimeShared) return run();
  for (const [index, timeout] of attempts.entries()) {
    const before = processorTime();
    try {
      return runScript(run, timeout);
    } catch (error) {
      const isLast = index === attempts.length - 1;
      if (isLast || !isTimeOut(error) || processorTime() - before >= usedUp) throw error;
    }
  }
  return undefined;
}

function runScript(run: () => unknown, timeout: number): unknown {
  sandboxContext ??= createContext(sandbox);
  sandbox.call = run;
  try {
    return script.runInContext(sandboxContext, { timeout });
  } finally {
    delete sandbox.call;
  }
}

/** Milliseconds of processor time that this thread has used. Versions of Node before 22.19 tell only the time of the whole process. */
function processorTime(): number {
  const usage = (process as Partial<NodeJS.Process>).threadCpuUsage?.() ?? process.cpuUsage();
  return (usage.user + usage.system) / 1000;
}
