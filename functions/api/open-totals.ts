import type { OpenCounts } from '../../shared/drift/index.ts';
import type { OpenTotals } from './answers.ts';

/** The numbers of a count of open rows, the largest reason first. */
export function openTotals({ total, reasons }: OpenCounts): OpenTotals {
  return { total, byReason: Object.fromEntries([...reasons].toSorted(([, a], [, b]) => b - a)) };
}
