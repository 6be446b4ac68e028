import type { DriftKind, Outcome, Source } from './departure.ts';

/** Filters for history rows. A row must match all filters that are given. */
export interface DriftQuery {
  readonly deviceId?: string;
  readonly moduleId?: string;
  readonly policy?: string;
  readonly path?: string;
  readonly kind?: DriftKind;
  readonly outcome?: Outcome;
  readonly source?: Source;
  /** Earliest time of detection, inclusive, ISO 8601. */
  readonly from?: string;
  /** Latest time of detection, exclusive, ISO 8601. */
  readonly to?: string;
}

/** Filters for the departures that are open now. */
export interface OpenQuery {
  readonly policy?: string;
  readonly deviceId?: string;
}

/** The OData conditions of a query, besides its key ranges. The SDK quotes each value, so a value cannot change the filter. */
export async function toConditions(query: DriftQuery): Promise<readonly string[]> {
  const { deviceId, moduleId, policy, path, kind, outcome, source, from, to } = query;
  const { odata } = await import('@azure/data-tables');
  return [
    moduleId === undefined ? undefined : odata`moduleId eq ${moduleId}`,
    policy === undefined ? undefined : odata`policy eq ${policy}`,
    path === undefined ? undefined : odata`path eq ${path}`,
    kind === undefined ? undefined : odata`kind eq ${kind}`,
    outcome === undefined ? undefined : odata`outcome eq ${outcome}`,
    source === undefined ? undefined : odata`source eq ${source}`,
    // In the timeline, the key range already limits the time.
    deviceId === undefined || from === undefined ? undefined : odata`detectedAt ge ${new Date(from).toISOString()}`,
    deviceId === undefined || to === undefined ? undefined : odata`detectedAt lt ${new Date(to).toISOString()}`,
  ].filter((condition) => condition !== undefined);
}
