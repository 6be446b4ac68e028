import { hostname } from 'node:os';

/**
 * The name of this process among all instances of the app, as part of a table key. The same process always has the same name, and a process
 * that starts later has another one.
 */
export function instanceName(environment: Readonly<Record<string, string | undefined>>): string {
  const instance = environment.WEBSITE_INSTANCE_ID ?? environment.CONTAINER_NAME ?? hostname();
  const started = Math.round(performance.timeOrigin).toString(36);
  return `${instance.replace(/[^A-Za-z0-9.-]/g, '').slice(0, 40)}-${process.pid}-${started}`;
}
