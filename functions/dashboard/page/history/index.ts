/**
 * The lower half of the page: a live list of history rows, its filters, and its CSV export. The list never has a gap between two rows. When
 * there are too many new rows at once, the list starts again.
 *
 * @module
 */
export { exportCsv } from './csv-export.ts';
export { createFilterForm } from './filters.ts';
export { createHistory } from './history.ts';
export { createHistoryTable } from './history-table.ts';
