/**
 * The lower half of the page: the rows of the history as a live list, its filters, and its export. The list never has a gap: where too many
 * rows come at once, it starts again.
 *
 * @module
 */
export { exportCsv } from './csv-export.ts';
export { createFilterForm } from './filters.ts';
export { createHistory } from './history.ts';
export { createHistoryTable } from './history-table.ts';
