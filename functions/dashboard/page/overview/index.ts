/**
 * The upper half of the page: the compliance of the fleet, the drifts over time, and the drifts that are open now. It shows the API's
 * answers for the summary, the policies and the open rows. The page always reads these three together.
 *
 * @module
 */
export { createOverview, type OverviewData } from './overview.ts';
