/**
 * A bench measures the app. Each measurement compares the app's number with the number of a reference. The reference is another program, an
 * earlier time, or a limit.
 */

/** The lower or the upper limit of a measurement's ratio, `ours / peer`. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measurement of a bench: the app's number (`ours`), and the number of the reference (`peer`). */
export interface Measurement {
  /** Name of the measurement. Two measurements of one bench have different names. Example: `handler`. */
  readonly case: string;
  readonly ours: number;
  /** The number of the reference that the app is compared with. */
  readonly peer: number;
  /** Unit of `ours` and `peer`. Examples: `events/s`, `ms`. */
  readonly unit: string;
  readonly target: Target;
  /** A text for people: what the reference is, and how both numbers are measured. */
  readonly note: string;
}

/** Receives the measurements and progress messages of a bench. */
export interface Report {
  measured(measurement: Measurement): void;
  /** Shows one line of progress. */
  progress(text: string): void;
}

/** One bench of `npm run bench`. Each bench has a file of its own. `benches.ts` lists all benches. */
export interface Bench {
  /** Name of the bench on the command line. */
  readonly name: string;
  /** One line about the bench, for the help text. */
  readonly description: string;
  /** Runs all measurements of the bench, one after the other. Rejects if a measurement cannot be made. */
  run(report: Report): Promise<void>;
}

/** The ratio `ours / peer`. The ratio of two equal numbers is 1, also when both are 0. If only `peer` is 0, the ratio is infinite. */
export function ratioOf({ ours, peer }: Pick<Measurement, 'ours' | 'peer'>): number {
  return ours === peer ? 1 : ours / peer;
}

/** Whether the ratio of a measurement is within its target. */
export function isMet(measurement: Measurement): boolean {
  const { target } = measurement;
  const ratio = ratioOf(measurement);
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}
