/**
 * The import and export jobs of the hub ("Import and export IoT Hub device identities in bulk"). A job reads and writes blobs of a storage
 * account, and takes time. One job runs at a time.
 * @module
 */
export { Jobs } from './jobs.ts';
