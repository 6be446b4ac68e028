/** The middle value; of an even number of them, the mean of the two in the middle. @throws {RangeError} where there is none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const above = sorted[Math.floor(sorted.length / 2)];
  const below = sorted[Math.ceil(sorted.length / 2) - 1];
  if (above === undefined || below === undefined) throw new RangeError('There is no median of no values.');
  return (above + below) / 2;
}

/** The smallest and the largest. @throws {RangeError} where there is none. */
export function range(values: readonly number[]): { readonly min: number; readonly max: number } {
  if (values.length === 0) throw new RangeError('There is no range of no values.');
  return { min: Math.min(...values), max: Math.max(...values) };
}

/** A point of a line to be fitted. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** How much y grows with each x: the slope of the least-squares line. @throws {RangeError} without two different x. */
export function slope(points: readonly Point[]): number {
  const mean = (of: (point: Point) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length;
  const x = mean((point) => point.x);
  const y = mean((point) => point.y);
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  if (!(spread > 0))
    throw new RangeError(`A slope needs points at two different x; there are ${points.length} points.`);
  return points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread;
}

/** The smallest value that at least this share (0 to 1) of the values do not exceed: 0.99 for p99. @throws {RangeError} where there is none. */
export function percentile(values: readonly number[], share: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)];
  if (value === undefined) throw new RangeError('There is no percentile of no values.');
  return value;
}
