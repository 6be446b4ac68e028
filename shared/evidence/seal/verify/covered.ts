import { type Day, dayOf } from '../day.ts';
import type { Manifest } from '../manifest.ts';

/** The time that is sealed by days whose files are whole. */
export class CoveredTime {
  readonly #days = new Set<Day>();
  /** The first seal of a chain has everything before this time. */
  #allBefore = '';

  add({ day, from, to }: Pick<Manifest, 'day' | 'from' | 'to'>): void {
    this.#days.add(day);
    if (from === null) this.#allBefore = to;
  }

  has(time: string): boolean {
    return this.#days.has(dayOf(time)) || Date.parse(time) < Date.parse(this.#allBefore);
  }
}
