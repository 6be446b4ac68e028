/** A registry without HTTP, and a function that runs queries on this registry. */
import { EventLog } from '../../../../infra/local/hub/event-log.ts';
import { parseQuery, runQuery } from '../../../../infra/local/hub/query.ts';
import { Registry, type RegistryOptions } from '../../../../infra/local/hub/registry.ts';

export type Row = Readonly<Record<string, unknown>>;

export const now = Date.UTC(2026, 0, 1);

/** Creates an empty registry. By default, the time of its clock is always `now`. `query` returns the first 1000 results of a query. */
export function newRegistry(options: Partial<RegistryOptions> = {}) {
  const registry = new Registry({ hubName: 'test-hub', log: new EventLog(), now: () => now, ...options });
  const query = (text: string): readonly Row[] => runQuery(registry, parseQuery({ query: text }), 1000).items;
  return { registry, query };
}
