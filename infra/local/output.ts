import type { LocalSystem } from './start-services.ts';

/** The view of a run. Each kind of run has its own: the live demo, `--once`, `--no-demo`. */
export interface Output {
  /** Shows one line about a problem at once. */
  notice(text: string): void;
  /** Runs until there is nothing more to do, and resolves with the exit code. A demo without end never resolves. */
  run(system: LocalSystem): Promise<number>;
  /** Leaves the terminal as it was. May be called twice. */
  close(): Promise<void>;
}

/** Shows which part of the system is starting. */
export interface StartProgress {
  /** Shows the step that begins now: one short line. */
  step(text: string): void;
  /** Leaves the terminal as it was. May be called several times, and `step` may follow. */
  clear(): void;
}
