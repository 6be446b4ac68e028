/**
 * The strip at the top of the page: whether Twinkeeper does its work, and what to do when it does not. The strip is green only after the app
 * has said so itself.
 *
 * @module
 */
export { createHealthStrip } from './health-strip.ts';
