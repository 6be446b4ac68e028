import type { Progress } from '../progress.ts';
import type { Reading } from '../reading.ts';

/** Returns the reading of the present step. */
export function readingOf({ checkpoint: { reading } }: Progress): Reading {
  if (reading === undefined) throw new Error('The checkpoint has no reading.');
  return reading;
}
