/** The method and path of an endpoint. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** The path below `/api`. */
  readonly route: string;
}

/**
 * The routes of the API by function name. Starting the app needs only this table. The endpoints themselves are loaded with the first
 * request.
 */
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

/** The key that a route needs: a function key to read, the master key to write. */
export function authLevelOf({ method }: Route): 'function' | 'admin' {
  return method === 'GET' ? 'function' : 'admin';
}
