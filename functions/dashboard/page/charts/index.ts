/**
 * Charts over time. uPlot draws them; a figure adds the same numbers in words and as a table.
 *
 * @module
 */
export { createBarFigure } from './bar-figure.ts';
export { createShareFigure } from './share-figure.ts';
