/**
 * What a check found. `ok`: as it should be. `warning`: Twinkeeper works, and somebody should act. `fault`: Twinkeeper does not do its work,
 * or will soon not do it. `unknown`: the check could not look. `skipped`: nobody asked for it.
 */
export type FindingState = 'ok' | 'warning' | 'fault' | 'unknown' | 'skipped';

export interface Finding {
  readonly state: FindingState;
  /** What was found, in one or two sentences. */
  readonly what: string;
  /** Commands that repair the fault, in order, ready to run in a shell. */
  readonly mend: readonly string[];
}

type Of = (what: string, ...mend: readonly string[]) => Finding;

const finding =
  (state: FindingState): Of =>
  (what, ...mend) => ({ state, what, mend });

export const ok: Of = finding('ok');
export const warning: Of = finding('warning');
export const fault: Of = finding('fault');
export const unknown: Of = finding('unknown');
export const skipped: Of = finding('skipped');

/** The faults that were found, or else one finding `ok` with this text. */
export function faultsOr(what: string, faults: readonly (Finding | undefined)[]): readonly Finding[] {
  const found = faults.filter((each) => each !== undefined);
  return found.length > 0 ? found : [ok(what)];
}
