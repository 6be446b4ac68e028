/** Finds the operation for each request to IoT Hub's service API, version 2021-04-12. */
import { type Access, access } from './access.ts';
import { applyConfigurations } from './apply-configurations.ts';
import { runBulk } from './bulk.ts';
import type { CallClass } from './calls.ts';
import type { Configurations } from './configurations.ts';
import { errorHeaders, HubError, invalid, preview } from './errors.ts';
import { parseIfMatch } from './etag.ts';
import type { Answer, ReceivedRequest } from './http-listener.ts';
import { readIdentityWrite } from './identity.ts';
import type { Target } from './ids.ts';
import type { Jobs } from './jobs/index.ts';
import { isObject, type JsonObject, type JsonValue } from './json.ts';
import { parsePageSize, parseQuery, runQuery } from './query.ts';
import type { Registry } from './registry.ts';
import { readTwinReplacement, readTwinWrite } from './twin-body.ts';

export interface Stores {
  readonly registry: Registry;
  readonly configurations: Configurations;
  readonly jobs: Jobs;
}

/** The operation that a request calls. `run` reads the request body and runs the operation. */
export interface Operation {
  readonly callClass: CallClass;
  /** The rights that the caller needs. `undefined` when the request matches no operation, so that every caller gets the error. */
  readonly access: Access | undefined;
  run(): Answer;
}

/**
 * Finds the operation that a request calls. For an unknown path, the returned operation throws 404. For an unknown method, it throws 405.
 */
export function route(request: ReceivedRequest, stores: Stores): Operation {
  const [first, second, third, fourth, ...rest] = request.segments;
  const none = noOperation('GenericNotFound', request);
  if (first === undefined || rest.length > 0) return none;
  switch (first) {
    case 'devices':
      if (second === undefined || (second === '' && third === undefined)) return devices(request, stores);
      // POST to /devices/query is a query even if a device has the id "query", as in Azure.
      if (second === 'query' && third === undefined && request.method === 'POST') return query(request, stores);
      if (third === undefined) return identity(request, stores, { deviceId: second });
      if (third !== 'modules') return none;
      if (fourth === undefined || fourth === '') return modules(request, stores, second);
      return identity(request, stores, { deviceId: second, moduleId: fourth });
    case 'twins':
      if (second === undefined) return none;
      if (third === undefined) return twin(request, stores, { deviceId: second });
      return third === 'modules' && fourth !== undefined
        ? twin(request, stores, { deviceId: second, moduleId: fourth })
        : none;
    case 'statistics':
      return third === undefined ? statistics(request, stores, second) : none;
    case 'configurations':
      return third === undefined ? configuration(request, stores, second) : none;
    case 'jobs':
      return third === undefined ? job(request, stores, second) : none;
    default:
      return none;
  }
}

/** Throws 400 unless the request has a well-formed parameter `api-version`. */
export function checkApiVersion(request: ReceivedRequest): void {
  const version = request.query.get('api-version');
  if (version !== null && /^\d{4}-\d{2}-\d{2}(-preview)?$/.test(version)) return;
  throw new HubError('InvalidProtocolVersion', `api-version ${preview(version)} is not valid, use 2021-04-12`);
}

function devices(request: ReceivedRequest, { registry }: Stores): Operation {
  switch (request.method) {
    case 'GET':
      return operation('identity', access.readIdentity, () => ok(registry.list(top(request, 1000))));
    case 'POST':
      return operation('bulk', access.bulk, () => {
        const errors = runBulk(registry, request.json());
        const result = { isSuccessful: errors.length === 0, errors, warnings: [] };
        if (errors.length === 0) return ok(result);
        return { status: 400, headers: errorHeaders('BulkRegistryOperationFailure'), body: result };
      });
    default:
      return noOperation('GenericMethodNotAllowed', request);
  }
}

function identity(request: ReceivedRequest, { registry }: Stores, target: Target): Operation {
  const ifMatch = parseIfMatch(request.header('if-match'));
  switch (request.method) {
    case 'GET':
      return operation('identity', access.readIdentity, () => tagged(registry.read(target)));
    case 'PUT':
      return operation('identity', access.writeIdentity, () => {
        const body = identityBody(request.json(), target);
        const write = readIdentityWrite(body);
        return tagged(ifMatch === undefined ? registry.create(target, write) : registry.update(target, write, ifMatch));
      });
    case 'DELETE':
      return operation('identity', access.deleteIdentity, () => {
        registry.delete(target, ifMatch);
        return { status: 204 };
      });
    default:
      return noOperation('GenericMethodNotAllowed', request);
  }
}

function modules(request: ReceivedRequest, { registry }: Stores, deviceId: string): Operation {
  return request.method === 'GET'
    ? operation('identity', access.readIdentity, () => ok(registry.listModules(deviceId)))
    : noOperation('GenericMethodNotAllowed', request);
}

function twin(request: ReceivedRequest, { registry }: Stores, target: Target): Operation {
  const ifMatch = parseIfMatch(request.header('if-match'));
  switch (request.method) {
    case 'GET':
      return operation('twinRead', access.readTwin, () => tagged(registry.readTwin(target)));
    case 'PATCH':
      return operation('twinUpdate', access.writeTwin, () =>
        tagged(registry.patchTwin(target, readTwinWrite(request.json()), ifMatch)),
      );
    case 'PUT':
      return operation('twinUpdate', access.writeTwin, () =>
        tagged(registry.replaceTwin(target, readTwinReplacement(request.json()), ifMatch)),
      );
    default:
      return noOperation('GenericMethodNotAllowed', request);
  }
}

function query(request: ReceivedRequest, { registry }: Stores): Operation {
  return operation('query', access.query, () => {
    const size = parsePageSize(request.header('x-ms-max-item-count'));
    const page = runQuery(registry, parseQuery(request.json()), size, request.header('x-ms-continuation'));
    const more = page.continuation === undefined ? {} : { 'x-ms-continuation': page.continuation };
    return { status: 200, headers: { 'x-ms-item-type': page.itemType, ...more }, body: page.items };
  });
}

function statistics(request: ReceivedRequest, { registry }: Stores, kind: string | undefined): Operation {
  if (request.method !== 'GET') return noOperation('GenericMethodNotAllowed', request);
  switch (kind) {
    case 'devices':
      return operation('statistics', access.readStatistics, () => ok(registry.statistics()));
    case 'service':
      // Devices never connect to the local hub.
      return operation('statistics', access.readStatistics, () => ok({ connectedDeviceCount: 0 }));
    default:
      return noOperation('GenericNotFound', request);
  }
}

function configuration(request: ReceivedRequest, stores: Stores, id: string | undefined): Operation {
  const { registry, configurations } = stores;
  const ifMatch = parseIfMatch(request.header('if-match'));
  if (id === undefined || id === '') {
    return request.method === 'GET'
      ? operation('configuration', access.readConfiguration, () => ok(configurations.list(top(request, 100))))
      : noOperation('GenericMethodNotAllowed', request);
  }
  switch (request.method) {
    case 'GET':
      return operation('configuration', access.readConfiguration, () => tagged(configurations.get(id)));
    case 'PUT':
      return operation('configuration', access.writeConfiguration, () => {
        const configuration = configurations.put(id, request.json(), ifMatch);
        applyConfigurations(registry, configurations);
        return tagged(configuration);
      });
    case 'DELETE':
      return operation('configuration', access.deleteConfiguration, () => {
        configurations.delete(id, ifMatch);
        return { status: 204 };
      });
    default:
      return noOperation('GenericMethodNotAllowed', request);
  }
}

function job(request: ReceivedRequest, { jobs }: Stores, id: string | undefined): Operation {
  const named = id === undefined || id === '' ? undefined : id;
  switch (request.method) {
    case 'GET':
      return operation('job', access.readJob, () => ok(named === undefined ? jobs.list() : jobs.get(named)));
    case 'POST':
      if (named !== 'create') break;
      return operation('job', access.writeJob, () => ok(jobs.create(request.json())));
    case 'DELETE':
      if (named === undefined) break;
      return operation('job', access.deleteJob, () => {
        jobs.cancel(named);
        return { status: 204 };
      });
  }
  return noOperation('GenericMethodNotAllowed', request);
}

function operation(callClass: CallClass, needed: Access, run: () => Answer): Operation {
  return { callClass, access: needed, run };
}

function noOperation(code: 'GenericNotFound' | 'GenericMethodNotAllowed', request: ReceivedRequest): Operation {
  const refuse = (): never => {
    throw new HubError(code, `There is no ${request.method} /${request.segments.join('/')} here`);
  };
  return { callClass: 'other', access: undefined, run: refuse };
}

function ok(body: unknown): Answer {
  return { status: 200, body };
}

function tagged(body: JsonObject): Answer {
  return { status: 200, headers: { etag: `"${body.etag}"` }, body };
}

function identityBody(body: JsonValue, target: Target): JsonObject {
  if (!isObject(body)) throw invalid(`An identity must be a JSON object, not ${preview(body)}`);
  for (const name of ['deviceId', 'moduleId'] as const) {
    const idInBody = body[name];
    if (idInBody !== undefined && idInBody !== null && idInBody !== target[name]) {
      throw invalid(
        `The ${name} ${preview(idInBody)} in the body must equal the ${name} in the path, ${preview(target[name])}`,
      );
    }
  }
  return body;
}

function top(request: ReceivedRequest, max: number): number {
  const text = request.query.get('top');
  if (text === null) return max;
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1) throw invalid(`top must be a positive integer, not ${preview(text)}`);
  return Math.min(count, max);
}
