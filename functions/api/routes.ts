/** Where something is asked for. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** Below `/api`. */
  readonly route: string;
}

/** All that the API answers, by the functions' names. No more than this is needed to start: the rest is loaded with the first request. */
export const routes = {
  drift: { method: 'GET', route: 'drift' },
  'drift-open': { method: 'GET', route: 'drift/open' },
  summary: { method: 'GET', route: 'summary' },
  device: { method: 'GET', route: 'devices/{deviceId}' },
  'device-reconcile': { method: 'POST', route: 'devices/{deviceId}/reconcile' },
  policies: { method: 'GET', route: 'policies' },
  sweeps: { method: 'GET', route: 'sweeps' },
  'sweep-start': { method: 'POST', route: 'sweep' },
  'dead-letters': { method: 'GET', route: 'dead-letters' },
  'dead-letter-replay': { method: 'POST', route: 'dead-letters/{id}/replay' },
  openapi: { method: 'GET', route: 'openapi.json' },
} as const satisfies Readonly<Record<string, Route>>;

export type RouteName = keyof typeof routes;

/** Reading takes a function key, writing the master key. */
export function authLevelOf({ method }: Route): 'function' | 'admin' {
  return method === 'GET' ? 'function' : 'admin';
}
