/**
 * The dialog that shows everything about one history row or one device.
 *
 * @module
 */
export { createDetails } from './details.ts';
