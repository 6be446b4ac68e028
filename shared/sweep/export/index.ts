/**
 * Reads all twins of the hub from the blob of an export job, which costs no messages of the hub's daily quota. `TwinExport` runs the job.
 *
 * @module
 */
export { createExportJudge, type ExportJudge } from './judge-exported-twin.ts';
export { type ExportPage, readExportPage } from './read-export-page.ts';
export { type ReadyExport, TwinExport } from './twin-export.ts';
