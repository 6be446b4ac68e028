/** What a real hub does not have: an endpoint, plain HTTP on loopback, to look into the hub and to play the agents. */
import { createServer } from 'node:http';
import type { CallCounter } from './calls.ts';
import { HubError, invalid, shown } from './errors.ts';
import type { EventLog } from './event-log.ts';
import type { Faults } from './faults.ts';
import { type Answer, type ReceivedRequest, requestListener } from './http-edge.ts';
import type { Target } from './ids.ts';
import { isObject } from './json.ts';
import { type Listening, listen } from './listen.ts';
import type { Registry } from './registry.ts';
import type { Throttle } from './throttle.ts';
import { readSection } from './twin.ts';

export interface ControlOptions {
  /** 0 picks a free port. */
  readonly port: number;
  readonly registry: Registry;
  readonly calls: CallCounter;
  readonly log: EventLog;
  readonly throttle: Throttle;
  readonly faults: Faults;
}

const HELP = {
  'GET /calls': 'how many calls the hub answered, by class, status and shared access policy',
  'DELETE /calls': 'counts from zero',
  'GET /throttle': 'the throttles in force, or null',
  'PUT /throttle': 'throttles from now on: { tier, units, bulkCost?, burst?, queue? }',
  'DELETE /throttle': 'no longer throttles',
  'GET /faults': 'the faults that were asked for, and how many calls they were about and struck',
  'PUT /faults': 'lets calls fail: { faults: [{ share, classes?, policy?, kinds, seconds?, seed? }] }',
  'DELETE /faults': 'no longer lets calls fail',
  'GET /events': 'how many events each partition has taken',
  'PATCH /reported/{deviceId}[/{moduleId}]': 'merges the body into reported properties, as the agent there would',
};

/** Starts the endpoint on 127.0.0.1. Rejects if the port is taken. */
export async function startControlEndpoint(options: ControlOptions): Promise<Listening> {
  return await listen(
    createServer(requestListener((request) => respond(request, options))),
    options.port,
    'controlPort',
  );
}

/**
 * Plays an agent from outside the hub's process: merges the patch into the reported properties of a device, or of a module of
 * it. Rejects with the hub's error if it refuses.
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
  if (!response.ok) throw new Error(`The hub answered ${response.status} to a report for ${ids.join('/')}: ${body}`);
}

function respond(request: ReceivedRequest, { registry, calls, log, throttle, faults }: ControlOptions): Answer {
  const [first, ...rest] = request.segments;
  switch (`${request.method} /${first}`) {
    case 'GET /':
      return { status: 200, body: HELP };
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
    case 'GET /faults':
      return { status: 200, body: { faults: faults.report() } };
    case 'PUT /faults': {
      const body = request.json();
      if (!isObject(body)) throw invalid(`Faults are asked for with { "faults": [ … ] }, not ${shown(body)}`);
      faults.replace(body.faults);
      return { status: 200, body: { faults: faults.report() } };
    }
    case 'DELETE /faults':
      faults.replace([]);
      return { status: 204 };
    case 'GET /events': {
      const partitions = log.partitionIds.map((id) => ({ id, count: log.count(id) }));
      return { status: 200, body: { partitions, total: partitions.reduce((sum, { count }) => sum + count, 0) } };
    }
    case 'PATCH /reported': {
      const [deviceId, moduleId, ...more] = rest;
      if (deviceId === undefined || more.length > 0) break;
      const body = request.json();
      const patch = readSection('properties.reported', body);
      if (!patch) throw invalid(`Reported properties must be an object, not ${shown(body)}`);
      return {
        status: 200,
        body: registry.report({ deviceId, ...(moduleId === undefined ? {} : { moduleId }) }, patch),
      };
    }
  }
  throw new HubError(
    'GenericNotFound',
    `There is no ${request.method} /${request.segments.join('/')} here. There is ${Object.keys(HELP).join(', ')}`,
  );
}
