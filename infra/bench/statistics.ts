/**
 * The median: the middle value, or the mean of the two middle values.
 * @throws {RangeError} If there are no values.
 */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const above = sorted[Math.floor(sorted.length / 2)];
  const below = sorted[Math.ceil(sorted.length / 2) - 1];
  if (above === undefined || below === undefined) throw new RangeError('The median needs at least one value.');
  return (above + below) / 2;
}

/**
 * The smallest and the largest value.
 * @throws {RangeError} If there are no values.
 */
export function range(values: readonly number[]): { readonly min: number; readonly max: number } {
  if (values.length === 0) throw new RangeError('The range needs at least one value.');
  return { min: Math.min(...values), max: Math.max(...values) };
}

/** A pair of numbers through which {@link slope} fits a line. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/**
 * The slope of the least-squares line through the points: the growth of y per x.
 * @throws {RangeError} If all points have the same x.
 */
export function slope(points: readonly Point[]): number {
  const mean = (select: (point: Point) => number) =>
    points.reduce((sum, point) => sum + select(point), 0) / points.length;
  const x = mean((point) => point.x);
  const y = mean((point) => point.y);
  const spread = points.reduce((sum, point) => sum + (point.x - x) ** 2, 0);
  if (!(spread > 0))
    throw new RangeError(`A slope needs points at two different x. The number of points is ${points.length}.`);
  return points.reduce((sum, point) => sum + (point.x - x) * (point.y - y), 0) / spread;
}

/**
 * A percentile: the smallest value that is at least as large as this share of all values. `share` is from 0 to 1. Example: 0.99 for p99.
 * @throws {RangeError} If there are no values.
 */
export function percentile(values: readonly number[], share: number): number {
  const value = values.toSorted((a, b) => a - b)[Math.max(0, Math.ceil(values.length * share) - 1)];
  if (value === undefined) throw new RangeError('A percentile needs at least one value.');
  return value;
}
