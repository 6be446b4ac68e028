/** Tests how every endpoint answers malformed requests. The tests read the endpoints and their parameters from the OpenAPI document. */
import { request } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ProblemAnswer } from '../../../functions/api/answers.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { type Answer, type Api, keys, startApi } from './api-host.ts';

interface Operation {
  readonly method: 'GET' | 'POST';
  /** The path below `/api/`, with placeholders such as `{deviceId}`. */
  readonly path: string;
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query' }[];
}

let api: Api;
let operations: readonly Operation[];
beforeAll(async () => {
  api = await startApi();
  await api.addDevice('known');
  const { paths } = (
    await api.get<{ paths: Record<string, Record<string, Pick<Operation, 'parameters'>>> }>('openapi.json')
  ).body;
  operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters }]) => ({
      method: method.toUpperCase() as Operation['method'],
      path: path.slice(1),
      parameters,
    })),
  );
});
afterAll(() => api?.close());

const deadLetterId = '99999999999999-00000000-0000-0000-0000-000000000000';
const filled = ({ path }: Operation) =>
  path.replace('{deviceId}', 'known').replace('{id}', deadLetterId).replace('{policy}', 'known');
const queryOf = ({ parameters }: Operation) => parameters.filter((parameter) => parameter.in === 'query');
const having = (name: string) => operations.filter((one) => queryOf(one).some((parameter) => parameter.name === name));

/** Sends a request with the master key. Sends the path and the query string unchanged, while `fetch` would normalize them. */
function raw(method: string, target: string, body = ''): Promise<Omit<Answer<ProblemAnswer>, 'headers'>> {
  return new Promise((resolve, reject) => {
    const { hostname, port, pathname } = new URL(api.base);
    const headers = { 'x-functions-key': keys.masterKey };
    const outgoing = request({ hostname, port, method, path: `${pathname}/${target}`, headers }, async (answer) => {
      const text = String(await buffer(answer));
      const type = answer.headers['content-type'] ?? '';
      if (text !== '' && answer.headers['x-content-type-options'] !== 'nosniff') {
        reject(new Error(`${method} ${target} has no x-content-type-options: nosniff.`));
      }
      const parsed = /json$/.test(type) ? (JSON.parse(text) as ProblemAnswer) : undefined;
      resolve({ status: answer.statusCode ?? 0, type, text, body: parsed as ProblemAnswer });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

/** Expects a 400 answer with a problem document that names this parameter. */
async function refuses(method: string, target: string, parameter: string): Promise<ProblemAnswer> {
  const { status, type, body } = await raw(method, target);
  const answer = [target, status, type, body?.parameter, body?.status, body?.type];
  expect(answer).toEqual([target, 400, 'application/problem+json', parameter, 400, 'urn:twinkeeper:problem:parameter']);
  return body;
}

describe('every endpoint', () => {
  it('refuses an unknown parameter and lists the known ones', async () => {
    // The dashboard is skipped: the script in the browser reads its parameters, and the app ignores them.
    for (const operation of operations.filter(({ path }) => path !== 'dashboard')) {
      for (const name of ['nothing', 'Limit', '__proto__', '<script>alert(1)</script>']) {
        const { detail } = await refuses(operation.method, `${filled(operation)}?${encodeURIComponent(name)}=1`, name);
        const known = queryOf(operation).map((parameter) => parameter.name);
        expect(detail).toContain(known.length === 0 ? 'has no parameters' : `has the parameters ${known.join(', ')}.`);
      }
    }
  });

  it('refuses a parameter that is given twice', async () => {
    const tried = operations.flatMap((operation) => queryOf(operation).map(({ name }) => ({ operation, name })));
    expect(tried.length).toBeGreaterThan(20);
    for (const { operation, name } of tried) {
      const { detail } = await refuses(operation.method, `${filled(operation)}?${name}=1&${name}=1`, name);
      expect(detail).toBe(`${name} must be given only once.`);
    }
  });

  it('refuses a malformed limit', async () => {
    expect(having('limit').map(({ path }) => path)).toEqual([
      'drift',
      'drift/open',
      'devices',
      'sweeps',
      'actions',
      'dead-letters',
    ]);
    for (const { method, path } of having('limit')) {
      const others = path === 'devices' ? '&search=known' : '';
      const most = path === 'sweeps' ? 100 : 1000;
      for (const limit of ['0', '-1', '1.5', '1e1', '', '%20', '01', String(most + 1), '99999999999', 'NaN', '%']) {
        const { detail } = await refuses(method, `${path}?limit=${limit}`, 'limit');
        expect(detail).toContain(`limit must be a whole number from 1 to ${most}, but it is `);
      }
      expect((await raw(method, `${path}?limit=${most}${others}`)).status).toBe(200);
    }
  });

  it('refuses a cursor that was changed or that belongs to another list', async () => {
    const store = createSweepStore(api.world.storage, () => new Date());
    for (let count = 0; count < 2; count++) {
      const claim = await store.claim({ trigger: 'timer' });
      if (claim !== undefined) await store.release(claim, undefined, { ...claim.row, state: 'done' });
      await api.world.deadLetters.put({ deviceId: 'd', reason: 'lost', state: 'dead', event: {} });
      await api.post('sweep');
    }
    const cursors = new Map<string, string>();
    for (const { path } of having('cursor')) {
      const { body } = await api.get<{ readonly cursor?: string }>(`${path}?limit=1`);
      if (body.cursor !== undefined) cursors.set(path, body.cursor);
    }
    // `drift/open` returns no cursor here, because there are no open rows. Its cursors are tested in `drift.test.ts`.
    expect([...cursors.keys()]).toEqual(['drift', 'sweeps', 'actions', 'dead-letters']);
    for (const { method, path } of having('cursor')) {
      const own = cursors.get(path) ?? '';
      const changed = Buffer.from(own, 'base64url').toString();
      const forged = [
        'x',
        '..%2F..',
        '',
        '%00',
        'x'.repeat(17_000).slice(0, 15_000),
        ...[
          '[]',
          '{}',
          'null',
          '["a","b"]',
          '[1,2]',
          changed.replace(/\d/, (digit) => String((Number(digit) + 1) % 10)),
        ]
          .filter((text) => text !== '')
          .map((text) => Buffer.from(text).toString('base64url')),
        ...[...cursors].filter(([other]) => other !== path).map(([, cursor]) => cursor),
        ...(own === '' ? [] : [`${own.slice(0, -4)}AAAA`, own.slice(0, -6), `${own}AAAA`]),
      ];
      for (const cursor of forged) await refuses(method, `${path}?limit=1&cursor=${cursor}`, 'cursor');
      if (own !== '') expect((await raw(method, `${path}?limit=1&cursor=${own}`)).status).toBe(200);
    }
  });

  it('refuses a range of ten years', async () => {
    // A page of actions reads one range of keys, so it costs the same for any time.
    const bounded = having('from').filter(({ path }) => path !== 'actions');
    expect(bounded.map(({ path }) => path)).toEqual(['drift', 'summary']);
    for (const { method, path } of bounded) {
      for (const range of ['from=-3650d', 'from=2016-01-01', 'from=2016-01-01&to=2026-01-01', 'from=-521w']) {
        const { detail } = await refuses(method, `${path}?${range}`, 'from');
        expect(detail).toContain('at most 400 days');
      }
    }
  });

  it('refuses a search for devices without a part of an id and without a tag, and with malformed ones', async () => {
    await refuses('GET', 'devices', 'search');
    for (const part of ['', 'a%20b', '%00', "x'%20or%20", 'x'.repeat(129)])
      await refuses('GET', `devices?search=${part}`, 'search');
    for (const tag of ['', ':', ':north', 'a%00:b', 'a:%0A', 'a]]:b', 'a..b:c', '%5B:1', `a:${'x'.repeat(513)}`]) {
      await refuses('GET', `devices?tag=${tag}`, 'tag');
    }
  });

  it('refuses a malformed id in the path', async () => {
    const withId = operations.filter(({ parameters }) => parameters.some((parameter) => parameter.in === 'path'));
    expect(withId.map(({ path }) => path)).toEqual([
      'devices/{deviceId}',
      'devices/{deviceId}/reconcile',
      'policies/{policy}/versions',
      'policies/{policy}/release',
      'dead-letters/{id}/replay',
    ]);
    for (const { method, path, parameters } of withId) {
      const [{ name } = { name: '' }] = parameters;
      const at = (garbage: string) => path.replace(/\{\w+\}/, garbage);
      const refused = ['%3Cscript%3Ealert(1)%3C%2Fscript%3E', '%00', '%0A', 'a%20b', '%22'];
      for (const garbage of [...refused, '%E2%82%AC', '%F0%9F%98%80', 'x'.repeat(2000)]) {
        const { detail } = await refuses(method, at(garbage), name);
        expect(detail.length).toBeLessThan(500);
      }
      // These texts are badly encoded, or contain characters that a device id may have. The answer must be 400 or 404, never 500.
      for (const garbage of [
        'a%2Fb',
        '..%2F..%2Fkeys',
        '%E0%A4%A',
        '%',
        '%zz',
        '%C3%28',
        "'%20or%20true",
        "x'or'1'eq'1",
        '%2525',
      ]) {
        const { status, type, body } = await raw(method, at(garbage));
        expect([garbage, [400, 404].includes(status), type, body.parameter]).toEqual([
          garbage,
          true,
          'application/problem+json',
          name,
        ]);
      }
    }
  });

  it('reads a badly encoded query as the text that it is', async () => {
    await refuses('GET', 'drift?deviceId=%E0%A4%A', 'deviceId');
    await refuses('GET', 'drift?policy=%', 'policy');
    await refuses('GET', 'drift?%E0%A4%A=1', '\uFFFD%A');
    await refuses('GET', 'drift?=1', '');
    await refuses('GET', `drift?${'x'.repeat(5000)}=1`, `${'x'.repeat(100)}…`);
    expect((await raw('GET', 'drift?')).status).toBe(200);
    expect((await raw('GET', 'drift?&&')).status).toBe(200);
  });

  it('ignores the body of a request', async () => {
    for (const body of ['{', '\0', '{"deviceId":"other"}', 'x'.repeat(300_000)]) {
      const { status, body: answer } = await raw('POST', 'devices/known/reconcile', body);
      expect([status, answer]).toMatchObject([200, { deviceId: 'known', found: 0 }]);
      expect((await raw('POST', 'sweep', body)).status).toBe(202);
      expect((await raw('POST', `dead-letters/${deadLetterId}/replay`, body)).status).toBe(404);
    }
  });

  it('answers only on its own route and method', async () => {
    for (const target of ['', 'drift/', 'drift/open/x', 'devices/a/b/reconcile', 'drift%2Fopen']) {
      const { status, text } = await raw('GET', target);
      // Like Azure Functions, the host ignores a slash at the end of a path.
      expect([target, status, text === '' || status === 200]).toEqual([target, target === 'drift/' ? 200 : 404, true]);
    }
    // For an HTTP method that no function accepts, Azure Functions answers 404 instead of 405.
    for (const method of ['PUT', 'DELETE', 'PATCH', 'POST']) expect((await raw(method, 'drift')).status).toBe(404);
    expect((await raw('GET', 'devices/known/reconcile')).status).toBe(404);
  });
});
