/**
 * The page's only connection: requests to its own API, with the key from its own address.
 *
 * @module
 */
export { appNow, ask, askCsv, type Query } from './api.ts';
export { Problem } from './problem.ts';
