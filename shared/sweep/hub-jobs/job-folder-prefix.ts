/** The beginning of the names of all containers of blobs that the app shares with the hub. */
export const jobFolderPrefix = 'twinkeeper-job-';
