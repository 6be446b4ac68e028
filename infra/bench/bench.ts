/** A bench measures the app. Each measurement compares our number with a peer: another program, an earlier time, or a limit. */

/** The bound of a measurement's ratio, ours / peer. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measurement of a bench. */
export interface Measurement {
  /** Name of the measurement, unique in its bench. Example: `handler`. */
  readonly case: string;
  readonly ours: number;
  /** The number of the peer. */
  readonly peer: number;
  /** Unit of both numbers. Examples: `events/s`, `ms`. */
  readonly unit: string;
  readonly target: Target;
  /** A description of the peer and the method, for people. */
  readonly note: string;
}

/** Receives the measurements and progress messages of a bench. */
export interface Report {
  measured(measurement: Measurement): void;
  /** Shows a progress message. */
  progress(text: string): void;
}

/** A bench of `npm run bench`. Each is in its own file, and `benches.ts` lists them. */
export interface Bench {
  /** Name on the command line. */
  readonly name: string;
  /** One line of help. */
  readonly description: string;
  /** Runs all measurements in sequence. Rejects if a measurement fails. */
  run(report: Report): Promise<void>;
}

/** `ours / peer`. The ratio of equal numbers is 1, even of two zeros. A peer of 0 otherwise gives an infinite ratio. */
export function ratioOf({ ours, peer }: Pick<Measurement, 'ours' | 'peer'>): number {
  return ours === peer ? 1 : ours / peer;
}

/** Whether a measurement meets its target. */
export function isMet(measurement: Measurement): boolean {
  const { target } = measurement;
  const ratio = ratioOf(measurement);
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}
