import type { LocalSystem } from './start-services.ts';

/** The output of a run of `twinkeeper local`. There are three implementations: the live demo, `--once` and `--no-demo`. */
export interface Output {
  /** Shows one line about a problem immediately. */
  notice(text: string): void;
  /** Runs until the demo is over, and resolves with the exit code. Never resolves if the demo has no end. */
  run(system: LocalSystem): Promise<number>;
  /** Restores the terminal to the state before the run. A second call does nothing. */
  close(): Promise<void>;
}

/** Shows which service of the local system is starting. */
export interface StartProgress {
  /** Shows one short line about the step that begins now. */
  step(text: string): void;
  /** Removes the line from the terminal. May be called several times. A later `step` shows a line again. */
  clear(): void;
}
