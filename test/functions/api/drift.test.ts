import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriftPage, ProblemAnswer } from '../../../functions/api/answers.ts';
import { openCsv } from '../../support/spreadsheet-reader.ts';
import { newDeviceId } from '../../support/world.ts';
import { type Api, keys, startApi } from './api-host.ts';
import { keysIn, pages } from './drift-pages.ts';

let api: Api;
/** A device id with characters that have a special meaning in URLs, in table keys and in OData filters. */
const hostile = "de#vi?ce%2B+'*&=x".replace('&', '@');
beforeAll(async () => {
  api = await startApi();
  for (const deviceId of [hostile, newDeviceId(), newDeviceId()]) await api.addDevice(deviceId);
  api.disturb(hostile, { Process_Disabled: true, Login_UsePAM: true, Process_CacheSize: 'O\'Hara, "=1+1"\n<b>' });
  await api.keeping.settle();
});
afterAll(() => api?.close());

const of = (deviceId: string) => `deviceId=${encodeURIComponent(deviceId)}`;
describe('GET /api/drift', () => {
  it('shows the history as it is stored, newest first', async () => {
    const { status, type, body } = await api.get<DriftPage>(`drift?${of(hostile)}&policy=defender-micro-agent`);
    expect([status, type]).toEqual([200, 'application/json']);
    expect(body.rows.map(({ path, kind, outcome }) => [path, kind, outcome])).toEqual([
      ...body.rows.slice(0, 3).map(({ path }) => [path, 'wrongValue', 'enforced']),
      ['', 'missingModule', 'created'],
    ]);
    expect(body.rows.slice(0, 3).map(({ path, expected, actual }) => [path, expected, actual])).toEqual(
      expect.arrayContaining([
        ['Process_Disabled', false, true],
        ['Process_CacheSize', 256, 'O\'Hara, "=1+1"\n<b>'],
      ]),
    );
  });

  it.each([
    ['deviceId', hostile],
    ['moduleId', 'azureiotsecurity'],
    ['policy', 'defender-micro-agent'],
    ['path', 'Login_UsePAM'],
    ['path', ''],
    ['kind', 'wrongValue'],
    ['outcome', 'created'],
    ['source', 'event'],
  ] as const)('filters by %s', async (name, value) => {
    const [all, some] = await Promise.all([
      api.get<DriftPage>('drift?limit=1000'),
      api.get<DriftPage>(`drift?limit=1000&${name}=${encodeURIComponent(value)}`),
    ]);
    const fitting = all.body.rows.filter((row) => row[name] === value);
    expect(keysIn(some.body).toSorted()).toEqual(keysIn({ rows: fitting }).toSorted());
    expect(some.body.rows.length).toBeGreaterThan(0);
  });

  it('includes the start of a range of time and excludes its end', async () => {
    const { rows } = (await api.get<DriftPage>('drift?limit=1000')).body;
    const [newest, oldest] = [rows[0]?.detectedAt ?? '', rows.at(-1)?.detectedAt ?? ''];
    const range = await api.get<DriftPage>(`drift?limit=1000&from=${oldest}&to=${newest}`);
    expect(range.body.rows).toEqual(rows.filter(({ detectedAt }) => detectedAt < newest));
    const offset = newest.replace('Z', '+00:00');
    const first = await api.get<DriftPage>(`drift?from=${encodeURIComponent(offset)}`);
    expect(first.body.rows).toEqual(rows.filter(({ detectedAt }) => detectedAt === newest));
    // The plus sign of the time offset is not encoded here, so the server decodes it as a space.
    expect((await api.get<DriftPage>(`drift?from=${offset}`)).body).toEqual(first.body);
    expect((await api.get<DriftPage>('drift?from=-2d&to=-1d')).body).toEqual({ rows: [] });
  });

  it('treats OData in a parameter as plain text', async () => {
    for (const path of ["' or PartitionKey ne '", "x' or '1' eq '1"]) {
      const { status, body } = await api.get<DriftPage>(`drift?path=${encodeURIComponent(path)}`);
      expect([status, body]).toEqual([200, { rows: [] }]);
    }
  });

  it.each(['drift?limit=2', 'drift?limit=1&from=-24h', `drift?limit=3&${of(hostile)}`])(
    'pages through %s without a repeated or a missing row while new rows arrive',
    async (path) => {
      const before = keysIn((await api.get<DriftPage>(path.replace(/limit=\d/, 'limit=1000'))).body);
      let count = 0;
      const all = await pages(api, path, async () => {
        if (count++ >= 3) return;
        await api.addDevice();
        api.disturb(hostile, { Process_Mode: 3 });
        await api.keeping.settle();
      });
      const listed = all.flatMap(keysIn);
      expect(new Set(listed).size).toBe(listed.length);
      expect(listed.filter((key) => before.includes(key))).toEqual(before);
    },
  );

  it.each([
    ['limit=0', 'limit', /from 1 to 1000, but it is "0"/],
    ['limit=1001', 'limit', /from 1 to 1000/],
    ['limit=ten', 'limit', /from 1 to 1000/],
    ['limit=1&limit=2', 'limit', /only once/],
    ['device=x', 'device', /There is no parameter "device"\. This endpoint has the parameters deviceId, /],
    ['__proto__=x', '__proto__', /There is no parameter/],
    ['deviceId=', 'deviceId', /1 to 128 letters/],
    ['deviceId=a%2Fb', 'deviceId', /but it is "a\/b"/],
    ['moduleId=a%20b', 'moduleId', /or empty for the device twin/],
    ["policy=a'%20or%20true", 'policy', /name of a policy/],
    ['kind=wrong', 'kind', /one of missingModule, /],
    ['outcome=', 'outcome', /one of pending, .*superseded/],
    ['source=me', 'source', /one of event, sweep, manual/],
    ['from=yesterday', 'from', /-24h/],
    ['from=2026-02-30', 'from', /real time/],
    ['from=1969-01-01', 'from', /real time/],
    ['from=-3650d', 'from', /400 days/],
    ['from=2016-01-01&to=2026-01-01', 'from', /400 days/],
    ['from=2026-01-02&to=2026-01-01', 'from', /leave a range that ends after it begins/],
    ['from=2099-01-01', 'from', /leave a range that ends after it begins/],
    [`from=2026-01-02&to=2026-01-01&deviceId=x`, 'from', /before the end/],
    ['cursor=abc', 'cursor', /begin again without a cursor/],
    ['cursor=', 'cursor', /cursor of an earlier answer/],
    ['cursor=..%2F', 'cursor', /cursor of an earlier answer/],
  ])('refuses %s and names the parameter', async (query, parameter, detail) => {
    const { status, type, body } = await api.get<ProblemAnswer>(`drift?${query}`);
    expect([status, type]).toEqual([400, 'application/problem+json']);
    expect(body).toEqual({
      type: 'urn:twinkeeper:problem:parameter',
      title: 'Bad parameter',
      status: 400,
      parameter,
      detail: expect.stringMatching(detail),
    });
  });

  it('refuses a cursor that was changed or belongs to another query', async () => {
    const { cursor = '' } = (await api.get<DriftPage>('drift?limit=1&from=-24h')).body;
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
    const forge = (index: number, text: string) =>
      Buffer.from(JSON.stringify(parts.with(index, text))).toString('base64url');
    const inner = Buffer.from(parts[4] ?? '', 'base64url').toString();
    const otherHour = inner.includes('T00') ? 'T01' : 'T00';
    const refused = [
      `limit=1&cursor=${cursor}`,
      `limit=1&from=-48h&cursor=${cursor}`,
      `limit=1&from=-24h&kind=custom&cursor=${cursor}`,
      `limit=1&from=-24h&cursor=${cursor.slice(0, -3)}`,
      `limit=1&from=-24h&cursor=${forge(2, '2016-01-01T00:00:00.000Z')}`,
      `limit=1&from=-24h&cursor=${forge(2, 'never')}`,
      `limit=1&from=-24h&cursor=${forge(4, Buffer.from(inner.replace(/T\d\d/, otherHour)).toString('base64url'))}`,
      `limit=1&from=-24h&cursor=${Buffer.from('[1,2]').toString('base64url')}`,
    ];
    for (const query of refused) {
      const { status, body } = await api.get<ProblemAnswer>(`drift?${query}`);
      expect([query, status, body.parameter]).toEqual([query, 400, 'cursor']);
    }
    expect((await api.get(`drift?limit=5&from=-24h&cursor=${cursor}`)).status).toBe(200);
  });
});

describe('GET /api/drift as a stream', () => {
  it('sends all rows as NDJSON', async () => {
    const rows = (await pages(api, 'drift?limit=1000')).flatMap((page) => page.rows);
    const { status, type, text } = await api.get('drift', { accept: 'application/x-ndjson' });
    expect([status, type]).toEqual([200, 'application/x-ndjson; charset=utf-8']);
    expect(
      text
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual(rows);
  });

  it('sends CSV in which quotes are escaped and no cell is a formula', async () => {
    const { type, text } = await api.get(`drift?${of(hostile)}&path=Process_CacheSize`, { accept: 'text/csv' });
    expect(type).toBe('text/csv; charset=utf-8');
    const [head, line = ''] = text.split('\n');
    expect(head).toMatch(/^detectedAt,hub,deviceId,moduleId,policy,path,kind,expected,actual,outcome,/);
    expect(line).toContain(`,"${hostile}",`.replaceAll('"', ''));
    expect(line).toContain(String.raw`,256,"""O'Hara, \""=1+1\""\n<b>""",enforced,`);
    const formula = '=1+1@x';
    await api.addDevice(formula);
    const csv = await api.get(`drift?${of(formula)}`, { accept: 'text/csv' });
    expect(csv.text).toContain(`,'${formula},`);
  });

  it('sends CSV for a spreadsheet, in which an id is the text that it is', async () => {
    const id = '=00012';
    await api.addDevice(id);
    for (const [excel, separator] of [
      ['comma', ','],
      ['semicolon', ';'],
    ] as const) {
      const answer = await fetch(`${api.base}/drift?${of(id)}&excel=${excel}`, {
        headers: { accept: 'text/csv', 'x-functions-key': keys.functionKey },
      });
      const [head = [], line = []] = openCsv(Buffer.from(await answer.arrayBuffer()).toString('utf8'), separator);
      const cellOf = (name: string) => line[head.findIndex(({ value }) => value === name)];
      expect(cellOf('deviceId')).toEqual({ type: 'text', value: id });
      expect(cellOf('detectedAtSerial')?.type).toBe('number');
    }
    for (const accept of ['application/json', 'application/x-ndjson']) {
      const { status, body } = await api.get<ProblemAnswer>('drift?excel=comma', { accept });
      expect([status, body.parameter]).toEqual([400, 'excel']);
    }
  });

  it('ends at the limit, and can be empty', async () => {
    const lines = async (query: string) =>
      (await api.get(`drift?${query}`, { accept: 'application/x-ndjson' })).text.split('\n').length - 1;
    expect(await lines('limit=2')).toBe(2);
    expect(await lines('kind=custom')).toBe(0);
    expect((await api.get('drift?kind=custom', { accept: 'text/csv' })).text.split('\n')).toHaveLength(2);
  });

  it('takes no cursor, and no other media type', async () => {
    const { cursor = '' } = (await api.get<DriftPage>('drift?limit=1')).body;
    const stream = await api.get<ProblemAnswer>(`drift?cursor=${cursor}`, { accept: 'text/csv' });
    expect([stream.status, stream.body.parameter]).toEqual([400, 'cursor']);
    const picture = await api.get<ProblemAnswer>('drift', { accept: 'image/png' });
    expect([picture.status, picture.body.detail]).toEqual([406, expect.stringContaining('text/csv')]);
  });

  it('refuses a malformed parameter before it sends anything', async () => {
    const { status, type } = await api.get('drift?limit=0', { accept: 'text/csv' });
    expect([status, type]).toEqual([400, 'application/problem+json']);
  });
});
