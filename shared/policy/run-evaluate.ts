import { deepFreeze, isJsonObject, limitFaults, parsePath, setAt, type Twin } from '../twin/index.ts';
import { describeCustomError, runCustomCode } from './custom-code-limit.ts';
import type { Finding } from './define-policy.ts';
import type { Policy } from './policy.ts';

/** Maximum number of findings that `evaluate` may return for one twin. With more findings, the result is invalid. */
const maxFindings = 100;

/** Maximum number of characters of a finding's message in a history row. A longer message is cut. */
const longestMessage = 4000;

/** Number of characters of the longest possible path in a twin: 10 keys of 1 KB each, and the dots between the keys. */
const longestPath = 10_250;

/** The findings that `evaluate` returned, or a sentence that says why its result cannot be used. */
export type Evaluation = { readonly findings: readonly Finding[] } | { readonly fault: string };

/**
 * Calls the `evaluate` function of a policy for one twin. Never throws. An exception, a time-out or an invalid result is returned as a
 * fault. A policy without `evaluate` has no findings.
 */
export function runEvaluate(policy: Policy, twin: Twin): Evaluation {
  const { evaluate } = policy;
  if (evaluate === undefined) return { findings: [] };
  const { deviceId, moduleId } = twin;
  const context = deepFreeze({ deviceId, moduleId });
  const state = `${twin.version} ${twin.etag}`;
  try {
    const call = { policy: policy.name, functionName: 'evaluate', deviceId, moduleId, state } as const;
    return runCustomCode(call, evaluate, () => readFindings(evaluate(deepFreeze(twin), context)));
  } catch (error) {
    return { fault: describeCustomError(error) };
  }
}

function readFindings(result: unknown): Evaluation {
  if (result instanceof Promise) {
    // `evaluate` is not trusted. Without this handler, a rejected promise would end the process.
    result.catch(() => undefined);
    return { fault: 'evaluate returned a Promise; it must be synchronous and return a list of findings' };
  }
  if (!Array.isArray(result)) return { fault: `evaluate returned ${typeof result}, not a list of findings` };
  if (result.length > maxFindings)
    return { fault: `evaluate returned ${result.length} findings; ${maxFindings} is the limit` };
  const findings: Finding[] = [];
  for (const [index, raw] of result.entries()) {
    const finding: unknown = typeof raw === 'object' ? JSON.parse(JSON.stringify(raw)) : raw;
    // `JSON.stringify` removes a value that JSON cannot express, such as a function.
    const isDropped =
      isJsonObject(finding) && finding.expected === undefined && (raw as Finding).expected !== undefined;
    const fault = isDropped ? 'expected is not a JSON value' : findingFault(finding);
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
  if (path.length > longestPath)
    return `the path has ${path.length} characters; a path in a twin has at most ${longestPath}`;
  if (message !== undefined && typeof message !== 'string') return 'message must be a string';
  if (expected === undefined) return undefined;
  if (path === '') return 'a finding about the whole twin cannot have expected; leave it out, or give a path';
  // `null` removes the property, so there is no value to check. `true` takes the place of `null` here, so that the path is still checked.
  const [fault] = limitFaults(setAt({}, parsePath(path), expected ?? true), 'desired');
  return fault === undefined ? undefined : `at ${fault.path}: ${fault.message}`;
}
