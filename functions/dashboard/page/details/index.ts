/**
 * The panel beside the page, with everything about one row or one device.
 *
 * @module
 */
export { createDetails } from './details.ts';
