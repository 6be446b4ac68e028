/**
 * Runs the import and export jobs of the hub, and keeps the folders of blobs that the app shares with the hub for them.
 *
 * @module
 */
export { advanceJob, type JobProgress } from './advance-job.ts';
export { backfillAbove, createJobFolders, exportAbove, removeOldJobFolders } from './job-folders.ts';
