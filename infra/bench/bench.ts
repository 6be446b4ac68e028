/** What a bench is: a name, and a run that reports measurements, each of ours beside something that it must bear comparison with. */

/** What a measurement's ratio, ours / peer, is meant to be. */
export type Target = { readonly atLeast: number } | { readonly atMost: number };

/** One measurement, as a bench reports it. */
export interface Measured {
  /** What was measured, unique in its bench: `handler`. */
  readonly case: string;
  readonly ours: number;
  /** The same of what ours is held against: another program, an earlier moment, or a limit. */
  readonly peer: number;
  /** Of both numbers: `events/s`, `ms`. */
  readonly unit: string;
  readonly target: Target;
  /** What the peer is and how it was measured, for people. */
  readonly note: string;
}

/** Takes down what a bench has to say. */
export interface Report {
  measured(measurement: Measured): void;
  /** Says what is going on, to people who wait. */
  progress(text: string): void;
}

/** Something that `npm run bench` can measure. One file each, listed in `benches.ts`. */
export interface Bench {
  /** As it is named on the command line. */
  readonly name: string;
  /** One line of help. */
  readonly description: string;
  /** Measures, one case after the other. Rejects where something cannot be measured. */
  run(report: Report): Promise<void>;
}

/** `ours / peer`; 1 where both are the same, so that nothing beside nothing is a fair match. Infinite beside nothing. */
export function ratioOf({ ours, peer }: Pick<Measured, 'ours' | 'peer'>): number {
  return ours === peer ? 1 : ours / peer;
}

/** Whether a measurement is as it is meant to be. */
export function isMet(measurement: Measured): boolean {
  const { target } = measurement;
  const ratio = ratioOf(measurement);
  return 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost;
}
