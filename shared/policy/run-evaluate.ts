import { createContext, Script } from 'node:vm';
import { deepFreeze, isJsonObject, limitFaults, parsePath, setAt, type Twin } from '../twin/index.ts';
import type { Finding } from './define-policy.ts';
import { describeThrown } from './describe-thrown.ts';
import type { Policy } from './policy-set.ts';

/** How long a custom `evaluate` may take, in milliseconds. */
export const evaluateTimeLimit = 250;

/** More findings than this in one twin are taken for a mistake. */
const maxFindings = 100;

/** What a history row can hold of a finding's own words, and the longest path that a twin can have: ten keys of 1 KB. */
const longestMessage = 4000;
const longestPath = 10_250;

/** What a custom `evaluate` came to. */
export type Evaluation = { readonly findings: readonly Finding[] } | { readonly fault: string };

/** Calls a policy's custom `evaluate` on a twin, and puts up with anything it does. Policies without one find nothing. */
export function runEvaluate(policy: Policy, twin: Twin): Evaluation {
  const { evaluate } = policy;
  if (evaluate === undefined) return { findings: [] };
  const context = deepFreeze({ deviceId: twin.deviceId, moduleId: twin.moduleId });
  try {
    const result = callWithTimeLimit(() => evaluate(deepFreeze(twin), context));
    return readFindings(result);
  } catch (error) {
    return {
      fault: isTimeOut(error)
        ? `evaluate took longer than ${evaluateTimeLimit} ms`
        : `evaluate threw ${describeThrown(error)}`,
    };
  }
}

/** V8's time-out error comes from the script's own realm, where `Error` is another. */
function isTimeOut(error: unknown): boolean {
  try {
    return (error as { code?: unknown } | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
  } catch {
    return false;
  }
}

const call = new Script('call()');
const sandbox: { call?: () => unknown } = {};
let sandboxContext: ReturnType<typeof createContext> | undefined;

/** Only V8's own watchdog can end synchronous code that does not return; a script is the one way to ask for it. */
function callWithTimeLimit(run: () => unknown): unknown {
  sandboxContext ??= createContext(sandbox);
  sandbox.call = run;
  try {
    return call.runInContext(sandboxContext, { timeout: evaluateTimeLimit });
  } finally {
    delete sandbox.call;
  }
}

function readFindings(result: unknown): Evaluation {
  if (result instanceof Promise) {
    // Its rejection would otherwise end the process.
    result.catch(() => undefined);
    return { fault: 'evaluate returned a Promise; it must be synchronous and return a list of findings' };
  }
  if (!Array.isArray(result)) return { fault: `evaluate returned ${typeof result}, not a list of findings` };
  if (result.length > maxFindings)
    return { fault: `evaluate returned ${result.length} findings; ${maxFindings} is the limit` };
  const findings: Finding[] = [];
  for (const [index, raw] of result.entries()) {
    const finding: unknown = typeof raw === 'object' ? JSON.parse(JSON.stringify(raw)) : raw;
    const lost = isJsonObject(finding) && finding.expected === undefined && (raw as Finding).expected !== undefined;
    const fault = lost ? 'expected is no JSON value' : findingFault(finding);
    if (fault !== undefined) return { fault: `finding ${index} of evaluate: ${fault}` };
    findings.push(shortened(finding as Finding));
  }
  return { findings };
}

function shortened(finding: Finding): Finding {
  const { message } = finding;
  if (message === undefined || message.length <= longestMessage) return finding;
  return { ...finding, message: `${message.slice(0, longestMessage)}…` };
}

function findingFault(finding: unknown): string | undefined {
  if (!isJsonObject(finding)) return 'not an object';
  const { path, expected, message } = finding;
  if (typeof path !== 'string') return 'path must be a dotted path below properties.desired, or "" for the whole twin';
  if (path.length > longestPath) return `a path of ${path.length} characters is longer than any in a twin`;
  if (message !== undefined && typeof message !== 'string') return 'message must be text';
  if (expected === undefined) return undefined;
  if (path === '') return 'a finding about the whole twin cannot say what would mend it';
  // null asks for removal, so only its path needs to be possible.
  const [fault] = limitFaults(setAt({}, parsePath(path), expected ?? true));
  return fault === undefined ? undefined : `at ${fault.path}: ${fault.message}`;
}
