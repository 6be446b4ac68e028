import type { Policy } from '../../policy/index.ts';

/** The columns that a device's scope reads: see {@link Policy.scope}. */
export const scopeColumns = 'deviceId, tags, capabilities.iotEdge AS iotEdge';

/** The columns with which a sweep finds a twin and compares its state with the history. */
export const foundColumns = 'deviceId, version';

/**
 * Returns the columns of a twin that these policies of one module read. Query results count against the daily message quota of the hub, so
 * a column that no policy reads is left out. An alias names each value, because IoT Hub documents the names of results only with an alias.
 */
export function twinColumns(policies: readonly Policy[]): string {
  const runsCode = policies.some(({ evaluate }) => evaluate !== undefined);
  const readsReports = runsCode || policies.some(({ reported }) => reported !== undefined);
  // The twin of a module has no tags or capabilities of its device, so no scope can be tested on it.
  const testsScope = policies.some(({ module, scope }) => module === '' && !scope.usesIdOnly);
  return [
    runsCode || testsScope ? scopeColumns : 'deviceId',
    ...(runsCode ? ['etag'] : []),
    'version',
    'properties.desired AS desired',
    ...(readsReports ? ['properties.reported AS reported'] : []),
  ].join(', ');
}

/** Returns the same query with other columns. Pure. */
export function withColumns(query: string, columns: string): string {
  return query.replace(/^SELECT .+? FROM /, () => `SELECT ${columns} FROM `);
}
