/**
 * The dashboard: one HTML document that shows the history in an operator's browser. The document itself holds no data of the fleet. Its
 * script requests the data from the HTTP API, with the function key from the page's address or with the sign-in of the operator. The script and the styles are inside the
 * document, because the browser would need the key to load them as separate files. A Content-Security-Policy with the hashes of script and
 * styles forbids the browser to run any other.
 *
 * The source of the page is in `page/`. It is compiled for browsers, and `infra/build/dashboard-page.ts` bundles it.
 *
 * @module
 */
export { registerDashboard } from './dashboard.ts';
