/** The HTTP method and the path of an endpoint. */
export interface Route {
  readonly method: 'GET' | 'POST';
  /** The path below `/api`, without a slash in front. */
  readonly route: string;
}

/**
 * The routes of the API, by the name of their function in Azure Functions. The app starts with this table only. The code of the endpoints
 * is loaded on the first request.
 */
export const routes = {
  drift: { method: 'GET', route: 'drift' },
  'drift-open': { method: 'GET', route: 'drift/open' },
  summary: { method: 'GET', route: 'summary' },
  devices: { method: 'GET', route: 'devices' },
  device: { method: 'GET', route: 'devices/{deviceId}' },
  'device-reconcile': { method: 'POST', route: 'devices/{deviceId}/reconcile' },
  policies: { method: 'GET', route: 'policies' },
  'policy-versions': { method: 'GET', route: 'policies/{policy}/versions' },
  'policy-release': { method: 'POST', route: 'policies/{policy}/release' },
  sweeps: { method: 'GET', route: 'sweeps' },
  'sweep-start': { method: 'POST', route: 'sweep' },
  actions: { method: 'GET', route: 'actions' },
  'dead-letters': { method: 'GET', route: 'dead-letters' },
  'dead-letter-replay': { method: 'POST', route: 'dead-letters/{id}/replay' },
  'health-details': { method: 'GET', route: 'health/details' },
  openapi: { method: 'GET', route: 'openapi.json' },
} as const satisfies Readonly<Record<string, Route>>;

export type RouteName = keyof typeof routes;

/** The key that a route requires: a function key for GET, and the master key for POST. */
export function authLevelOf({ method }: Route): 'function' | 'admin' {
  return method === 'GET' ? 'function' : 'admin';
}
