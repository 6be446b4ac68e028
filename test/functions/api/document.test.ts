import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AnswerSchemaName, answerSchemas } from '../../../functions/api/answer-schemas.ts';
import { createActionLog } from '../../../shared/actions/index.ts';
import { createPolicyVersions } from '../../../shared/evidence/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { type Api, keys, startApi } from './api-host.ts';

interface Operation {
  readonly operationId: string;
  readonly security?: readonly unknown[];
  readonly description: string;
  readonly parameters: readonly { readonly name: string; readonly schema: Readonly<Record<string, unknown>> }[];
  readonly responses: Readonly<
    Record<string, { readonly content?: Readonly<Record<string, { readonly schema: { readonly $ref?: string } }>> }>
  >;
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

let api: Api;
let document: Document;
let deviceId: string;
let deadLetterId: string;
beforeAll(async () => {
  api = await startApi();
  document = (await api.get<Document>('openapi.json')).body;
  // The test needs every kind of data, so that each optional field is present in an answer.
  deviceId = await api.addDevice();
  const audit = api.world.withPolicies([
    definePolicy({ name: 'watch-only', module: 'DefenderIotMicroAgent', mode: 'audit', desired: { Extra: 1 } }),
  ]);
  api.disturb(deviceId, { Process_Disabled: true, Extra: [{ a: null }] });
  // The order matters: a reconciler closes the open rows of policies that it does not know, so the reconciler with the audit policy runs
  // last.
  await api.keeping.settle();
  await audit.settle();
  api.disturb(deviceId, { Process_Disabled: true });
  await api.count(1);
  const store = createSweepStore(api.world.storage, () => new Date());
  const claim = await store.claim({ trigger: 'timer' });
  if (claim !== undefined) {
    await store.recordWorkItem(claim.id, '1-0', { examined: 1, found: 1, changed: 1, hubCalls: 1, deferred: 0 });
    await store.release(claim, undefined, { ...claim.row, state: 'done', parts: 1, endedAt: new Date().toISOString() });
  }
  const versioned = definePolicy({ name: 'versioned', module: 'm', desired: { size: 1 } });
  const versions = createPolicyVersions(api.world.storage, () => new Date());
  await versions.record(toPolicySet([versioned], { mode: 'audit' }).all, '1.0.0');
  // One record of each kind of actor and subject.
  const log = createActionLog(api.world.storage, { now: () => new Date(), appVersion: '1' });
  const target = { policy: 'watch-only', deviceId, deadLetterId: '1' };
  for (const by of [
    { type: 'user', name: 'Ada', id: 'b8e1' },
    { type: 'key', key: 'master' },
    { type: 'commandLine', user: 'ada', host: 'h' },
    { type: 'app' },
  ] as const) {
    await log.record({ action: 'release', by, target, reason: 'why' }, async () => {}, String);
  }
  deadLetterId = await api.world.deadLetters.put({ deviceId, reason: 'lost', state: 'dead', event: {} });
});
afterAll(() => api?.close());

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  );
/** Replaces the placeholders in a path with ids that exist. */
const filled = (path: string) =>
  path
    .replace('{deviceId}', deviceId)
    .replace('{id}', deadLetterId)
    .replace('{policy}', path.endsWith('/release') ? 'defender-micro-agent' : 'versioned');

describe('the OpenAPI document', () => {
  it('is a valid OpenAPI 3.1 document', async () => {
    const { valid, errors } = await new Validator().validate({ ...structuredClone(document) });
    expect(errors).toBeUndefined();
    expect(valid).toBe(true);
  });

  it('describes every function that answers over HTTP, and no other', () => {
    const registered = api.host.endpoints.functions
      .filter(({ type }) => type === 'httptrigger')
      .map(({ name }) => name);
    expect(
      operations()
        .map(({ operation }) => operation.operationId)
        .toSorted(),
    ).toEqual(registered.toSorted());
  });

  it('describes parameters with the schemas that check them', () => {
    const { parameters } = operations().find(({ operation }) => operation.operationId === 'drift')?.operation ?? {
      parameters: [],
    };
    const shape = (name: string) => parameters.find((parameter) => parameter.name === name)?.schema;
    expect(shape('limit')).toEqual({ type: 'integer', minimum: 1, maximum: 1000 });
    expect(shape('source')).toEqual({ type: 'string', enum: ['event', 'sweep', 'manual'] });
    expect(parameters.map(({ name }) => name)).toContain('cursor');
  });

  it('has a schema for every answer that covers each of its fields', async () => {
    const seen: string[] = [];
    // GET requests come first. A POST request removes the data: a replay removes the dead letter, and a reconcile repairs the drift.
    for (const { path, method, operation } of operations().toSorted((a, b) => (a.method < b.method ? -1 : 1))) {
      const query = path === '/devices' ? `?search=${deviceId}` : '';
      const answer = await (method === 'GET' ? api.get : api.post)(`${filled(path).slice(1)}${query}`);
      const name = operation.responses[answer.status]?.content?.['application/json']?.schema.$ref?.split('/').at(-1);
      if (name === undefined && answer.type.startsWith('text/html')) continue;
      expect([path, answer.status, name === undefined]).toEqual([
        path,
        expect.toSatisfy((n: number) => n < 300),
        false,
      ]);
      // `parse` drops fields that the schema does not describe. The comparison fails when an answer has such a field.
      expect(answerSchemas[name as AnswerSchemaName].parse(answer.body)).toEqual(answer.body);
      expect(JSON.stringify(answer.body).length).toBeGreaterThanOrEqual('{"status":"healthy"}'.length);
      seen.push(path);
    }
    expect(seen).toEqual(expect.arrayContaining(['/drift', '/drift/open', '/devices/{deviceId}/reconcile']));
  });

  it('has a schema for problem documents', async () => {
    const { body } = await api.get('drift?limit=0');
    expect(answerSchemas.Problem.parse(body)).toEqual(body);
  });
});

describe('the keys of the API', () => {
  it('are required: a function key to read, the master key to write', async () => {
    for (const { path, method, operation } of operations()) {
      // The unknown parameter makes the request fail even with a correct key, so the request changes nothing.
      const url = `${filled(path).slice(1)}?nothing=1`;
      const statuses = await Promise.all(
        ['', 'wrong', keys.functionKey, keys.masterKey].map(
          async (key) => (await api.get(url, { key, method })).status,
        ),
      );
      const opened = statuses.map((status) => status !== 401);
      const needs = operation.security?.length === 0 ? 'no key' : method === 'GET' ? 'function key' : 'master key';
      expect([path, method, ...opened]).toEqual([
        path,
        method,
        needs === 'no key',
        needs === 'no key',
        needs !== 'master key',
        true,
      ]);
    }
  });

  it('are accepted in the URL, and are never repeated in an answer', async () => {
    const answer = await api.get(`drift?code=${keys.functionKey}&clientId=default&limit=0`, { key: '' });
    expect(answer.status).toBe(400);
    expect(answer.text).not.toContain(keys.functionKey);
  });

  it('are checked before the parameters', async () => {
    expect((await api.get('drift?limit=0', { key: '' })).text).toBe('');
  });
});
