import { explainError } from '../explain-error.ts';
import type { Check, Surroundings } from './check.ts';
import { appHealthCheck } from './checks/app-health.ts';
import { appRolesCheck } from './checks/app-roles.ts';
import { clockCheck } from './checks/clock.ts';
import { endpointHealthCheck } from './checks/endpoint-health.ts';
import { eventCheck } from './checks/event.ts';
import { eventHubCheck } from './checks/event-hub.ts';
import { functionAppCheck } from './checks/function-app.ts';
import { hubCheck } from './checks/hub.ts';
import { hubRoleCheck } from './checks/hub-role.ts';
import { routeCheck } from './checks/route.ts';
import { settingsCheck } from './checks/settings.ts';
import { storageCheck } from './checks/storage.ts';
import { versionsCheck } from './checks/versions.ts';
import { type Finding, unknown } from './finding.ts';

/** All checks. The causes come before their effects. */
export const checks: readonly Check[] = [
  clockCheck,
  versionsCheck,
  hubCheck,
  functionAppCheck,
  settingsCheck,
  storageCheck,
  eventHubCheck,
  appRolesCheck,
  hubRoleCheck,
  routeCheck,
  endpointHealthCheck,
  appHealthCheck,
  eventCheck,
];

/** One check, and what it found: at least one finding. */
export interface Checked {
  readonly id: string;
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** `healthy`: nothing is wrong. `faulty`: something is. `unknown`: nothing was found wrong, and something could not be looked at. */
export type Verdict = 'healthy' | 'faulty' | 'unknown';

/** Runs all checks, one after the other. Does not reject: a check that cannot look has the finding `unknown`. */
export async function* runChecks(surroundings: Surroundings): AsyncGenerator<Checked> {
  for (const { id, title, run } of checks) {
    surroundings.onProgress(`${title}…`);
    yield { id, title, findings: await run(surroundings).catch((error: unknown) => [unknown(explainError(error))]) };
  }
}

export function verdictOf(all: readonly Checked[]): Verdict {
  const states = new Set(all.flatMap(({ findings }) => findings.map(({ state }) => state)));
  return states.has('fault') ? 'faulty' : states.has('unknown') ? 'unknown' : 'healthy';
}
