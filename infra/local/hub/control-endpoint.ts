/**
 * The control endpoint of the local hub: plain HTTP on loopback. It returns the hub's counters, sets throttles and faults, and writes
 * reported properties as a device would. A real IoT Hub has no such endpoint.
 */
import { createServer } from 'node:http';
import { applyConfigurations } from './apply-configurations.ts';
import type { CallCounter } from './calls.ts';
import type { Configurations } from './configurations.ts';
import { HubError, invalid, preview } from './errors.ts';
import type { EventLog } from './event-log.ts';
import type { Faults } from './faults.ts';
import { type Answer, type ReceivedRequest, requestListener } from './http-listener.ts';
import type { Target } from './ids.ts';
import type { Jobs } from './jobs/index.ts';
import { isObject } from './json.ts';
import { listen, type RunningServer } from './listen.ts';
import type { Quota } from './quota.ts';
import type { Registry } from './registry.ts';
import type { Throttle } from './throttle.ts';
import { readSection } from './twin-body.ts';

export interface ControlOptions {
  /** The port to listen on. 0 picks a free port. */
  readonly port: number;
  readonly registry: Registry;
  readonly configurations: Configurations;
  readonly calls: CallCounter;
  readonly log: EventLog;
  readonly throttle: Throttle;
  readonly quota: Quota;
  readonly faults: Faults;
  readonly jobs: Jobs;
}

const help = {
  'GET /calls':
    'counts of calls, operations and messages by class, status, caller (a shared access policy or an identity) and data action',
  'DELETE /calls': 'resets the call counts',
  'GET /throttle': 'the current throttle options, or null if throttling is off',
  'PUT /throttle': 'turns throttling on: { tier, units, bulkCost?, burst?, queue? }',
  'DELETE /throttle': 'turns throttling off',
  'GET /quota': 'the daily message quota, and what was used today',
  'PUT /quota': 'sets the quota: { limit, messageBytes?, status? }',
  'POST /quota': 'counts other messages of the fleet, such as telemetry: { messages }',
  'DELETE /quota': 'removes the quota; the hub goes on counting',
  'GET /faults': 'the current faults, each with the number of calls that it matched and struck',
  'PUT /faults': 'replaces the faults: { faults: [{ share, classes?, caller?, kinds, seconds?, seed? }] }',
  'DELETE /faults': 'removes all faults',
  'PUT /jobs': 'sets how long import and export jobs take: { seconds?, linesPerSecond? }',
  'GET /events': 'the number of events appended to each partition',
  'POST /configurations': 'applies all configurations now, as the hub does every five minutes',
  'PATCH /reported/{deviceId}[/{moduleId}]': 'merges the body into the reported properties, as the device would',
};

/** Starts the control endpoint on 127.0.0.1. Rejects if the port is in use. */
export async function startControlEndpoint(options: ControlOptions): Promise<RunningServer> {
  return await listen(
    createServer(requestListener((request) => respond(request, options))),
    options.port,
    'controlPort',
  );
}

/**
 * Merges `patch` into the reported properties of a device or module, as the device or module itself would. Sends the patch to the control
 * endpoint at `controlUrl`. If the hub refuses the patch, rejects with the hub's error message.
 */
export async function reportProperties(
  controlUrl: string,
  target: Target,
  patch: Readonly<Record<string, unknown>>,
): Promise<void> {
  const ids = target.moduleId === undefined ? [target.deviceId] : [target.deviceId, target.moduleId];
  const path = ids.map(encodeURIComponent).join('/');
  const response = await fetch(`${controlUrl}/reported/${path}`, { method: 'PATCH', body: JSON.stringify(patch) });
  const body = await response.text();
  if (!response.ok)
    throw new Error(`The hub refused the reported properties of ${ids.join('/')} with ${response.status}: ${body}`);
}

function respond(request: ReceivedRequest, options: ControlOptions): Answer {
  const { registry, configurations, calls, log, throttle, quota, faults, jobs } = options;
  const [first, ...rest] = request.segments;
  switch (`${request.method} /${first}`) {
    case 'GET /':
      return { status: 200, body: help };
    case 'GET /calls':
      return { status: 200, body: calls.report() };
    case 'DELETE /calls':
      calls.reset();
      return { status: 204 };
    case 'GET /throttle':
      return { status: 200, body: throttle.options ?? null };
    case 'PUT /throttle':
      throttle.turnOn(request.json());
      return { status: 200, body: throttle.options };
    case 'DELETE /throttle':
      throttle.turnOff();
      return { status: 204 };
    case 'GET /quota':
      return { status: 200, body: quota.report() };
    case 'PUT /quota':
      quota.set(request.json());
      return { status: 200, body: quota.report() };
    case 'POST /quota':
      quota.addTelemetry(request.json());
      return { status: 200, body: quota.report() };
    case 'DELETE /quota':
      quota.unset();
      return { status: 204 };
    case 'GET /faults':
      return { status: 200, body: { faults: faults.report() } };
    case 'PUT /faults': {
      const body = request.json();
      if (!isObject(body)) throw invalid(`The body must be { "faults": [ … ] }, not ${preview(body)}`);
      faults.replace(body.faults);
      return { status: 200, body: { faults: faults.report() } };
    }
    case 'DELETE /faults':
      faults.replace([]);
      return { status: 204 };
    case 'PUT /jobs':
      return { status: 200, body: jobs.setPace(request.json()) };
    case 'GET /events': {
      const partitions = log.partitionIds.map((id) => ({ id, count: log.count(id) }));
      return { status: 200, body: { partitions, total: partitions.reduce((sum, { count }) => sum + count, 0) } };
    }
    case 'POST /configurations':
      applyConfigurations(registry, configurations);
      return { status: 204 };
    case 'PATCH /reported': {
      const [deviceId, moduleId, ...more] = rest;
      if (deviceId === undefined || more.length > 0) break;
      const body = request.json();
      const patch = readSection('properties.reported', body);
      if (!patch) throw invalid(`Reported properties must be an object, not ${preview(body)}`);
      return {
        status: 200,
        body: registry.report({ deviceId, ...(moduleId === undefined ? {} : { moduleId }) }, patch),
      };
    }
  }
  throw new HubError(
    'GenericNotFound',
    `There is no ${request.method} /${request.segments.join('/')} here. Available: ${Object.keys(help).join(', ')}`,
  );
}
