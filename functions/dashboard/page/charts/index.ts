/**
 * Charts over time. The library uPlot draws them. Each chart also gives its numbers as a sentence and as a table.
 *
 * @module
 */
export { type ColourName, colourNames } from './axes.ts';
export { createBarFigure } from './bar-figure.ts';
export { bucketStart, zoneName } from './buckets.ts';
export { createShareFigure } from './share-figure.ts';
