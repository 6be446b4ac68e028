import type { LocalSystem } from './system.ts';

/** What a run shows, and does, once the system is up. */
export interface Output {
  /** Tells a person something that cannot wait. */
  notice(text: string): void;
  /** Resolves with the exit code when there is nothing more to do; may never. */
  run(system: LocalSystem): Promise<number>;
  /** Leaves the terminal as it was. May be called twice. */
  close(): Promise<void>;
}
