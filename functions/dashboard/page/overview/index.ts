/**
 * The upper half of the page: the compliance of the fleet, the drifts over time, and the drifts that are open now. It shows the API's
 * answers for the summary, the policies, the open rows and the last sweep. The page always reads these four together.
 *
 * @module
 */
export { createOverview, type OverviewData } from './overview.ts';
