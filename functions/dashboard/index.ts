/**
 * The dashboard: one document that shows the history to an operator's browser. The document holds no data of the fleet. Its script asks the
 * HTTP API like any other client, with the function key from its own address. The document holds its script and its styles too, because a
 * file at another address would need the key again. A Content-Security-Policy with their hashes lets the browser run nothing else.
 *
 * The page's code is in `page/`, compiled for browsers, and bundled by `infra/build/dashboard-page.ts`.
 *
 * @module
 */
export { registerDashboard } from './dashboard.ts';
