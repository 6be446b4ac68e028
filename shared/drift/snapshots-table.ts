/** The table of the snapshots of open rows, and of the marks that belong to them. */
export const snapshotsTable = 'TwinkeeperSnapshots';
