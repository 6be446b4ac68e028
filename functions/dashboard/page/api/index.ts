/**
 * The page's requests to the HTTP API, with the function key from the page's address. The page has no other connection.
 *
 * @module
 */
export { appNow, ask, askCsv, askHealth, type Query } from './api.ts';
export { Problem } from './problem.ts';
