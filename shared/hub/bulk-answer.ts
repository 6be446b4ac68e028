import { isJsonObject } from '../twin/index.ts';
import { classifyBulkEntry } from './classify.ts';
import type { Answer, NewModule, Problem } from './hub.ts';

/** The answer of the hub to a bulk call. Source: "Bulk registry operations", `POST /devices`. */
export interface BulkAnswer {
  /** False when the hub says that the call was not successful. */
  readonly isSuccessful: boolean;
  /** The entries that failed. */
  readonly errors: readonly BulkEntryResult[];
  /** The entries that are carried out, but not completely. An example is an identity without its twin. */
  readonly warnings: readonly BulkEntryResult[];
}

interface BulkEntryResult {
  readonly deviceId?: unknown;
  /** Missing, `null` or `''` when the result concerns the device and all its modules. */
  readonly moduleId?: unknown;
  readonly errorCode?: unknown;
  readonly errorStatus?: unknown;
  readonly warningCode?: unknown;
  readonly warningStatus?: unknown;
}

/** Reads the body of the answer to a bulk call. `undefined` when the body is not such an answer. */
export function readBulkAnswer(body: unknown): BulkAnswer | undefined {
  if (!isJsonObject(body)) return undefined;
  const listOf = (value: unknown): readonly BulkEntryResult[] =>
    Array.isArray(value) ? value.filter(isJsonObject) : [];
  const errors = listOf(body.errors);
  const warnings = listOf(body.warnings);
  if (typeof body.isSuccessful !== 'boolean' && errors.length + warnings.length === 0) return undefined;
  return { isSuccessful: body.isSuccessful !== false, errors, warnings };
}

/** Whether the hub throttled some entries of the call. The hub counts each entry, so it can throttle some and accept the others. */
export function hasThrottledEntries({ errors }: BulkAnswer): boolean {
  return errors.some((error) => {
    const problem = classifyBulkEntry(error);
    return problem.type === 'throttled' && problem.quota === undefined;
  });
}

/**
 * The answer for each module of a bulk call. The answer is `unclear` for a module with a warning. It is also `unclear` for modules without
 * an error when the answer does not say which entries failed.
 */
export function answersOf(batch: readonly NewModule[], answer: BulkAnswer): ReadonlyMap<NewModule, Answer<void>> {
  const { isSuccessful, errors, warnings } = answer;
  const isAbout = (module: NewModule) => (result: BulkEntryResult) =>
    result.deviceId === module.deviceId && (!hasModule(result) || result.moduleId === module.moduleId);
  const isOfNoModule = (result: BulkEntryResult) => !batch.some((module) => isAbout(module)(result));
  const isUnexplained =
    errors.some(isOfNoModule) || warnings.some(isOfNoModule) || (!isSuccessful && errors.length === 0);
  const toAnswer = (module: NewModule): Answer<void> => {
    const error = errors.find(isAbout(module));
    if (error !== undefined) return { ok: false, problem: classifyBulkEntry(error) };
    const warning = warnings.find(isAbout(module));
    if (warning !== undefined) return unclear(`${String(warning.warningCode)}: ${String(warning.warningStatus)}`);
    return isUnexplained ? unclear('the hub did not say which entries of the bulk call failed') : done;
  };
  return new Map(batch.map((module) => [module, toAnswer(module)]));
}

function hasModule({ moduleId }: BulkEntryResult): boolean {
  return typeof moduleId === 'string' && moduleId !== '';
}

function unclear(message: string): { readonly ok: false; readonly problem: Problem } {
  return { ok: false, problem: { type: 'unclear', message: message.slice(0, 300) } };
}

const done: Answer<void> = { ok: true, value: undefined };
