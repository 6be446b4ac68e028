/**
 * The upper half of the page: how compliant the fleet is, what departed over time, and what is out of line now. It shows three answers of the
 * API, which are always read together.
 *
 * @module
 */
export { createOverview, type OverviewData } from './overview.ts';
