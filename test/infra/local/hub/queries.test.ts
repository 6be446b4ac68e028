/** Tests of queries in the service API, through the SDK `azure-iothub` and with plain HTTPS. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { apiVersion, refusal, requestRaw, startTestHub, type TestHub } from './hub-client.ts';

type Row = Readonly<Record<string, unknown>>;

describe('a query', () => {
  let hub: TestHub;

  beforeAll(async () => {
    hub = await startTestHub();
    for (let index = 0; index < 7; index += 1) {
      const deviceId = `d${index}`;
      hub.registry.create({ deviceId }, { iotEdge: index === 6 }, { tags: { site: index < 4 ? 'north' : 'south' } });
      hub.registry.create(
        { deviceId, moduleId: 'agent' },
        {},
        { desired: { level: index, 'urn:x y': { value: 'High' } }, ...(index === 0 ? {} : { tags: { n: index } }) },
      );
    }
  });

  afterAll(async () => {
    await hub.close();
  });

  /** Reads all results of a query. Also returns the number of results on each page. */
  async function all(
    text: string,
    pageSize = 100,
  ): Promise<{ readonly rows: readonly Row[]; readonly pages: number[] }> {
    const query = hub.operator.createQuery(text, pageSize);
    const rows: Row[] = [];
    const pages: number[] = [];
    while (query.hasMoreResults) {
      const { result } = await query.next(query.continuationToken);
      rows.push(...(result as Row[]));
      pages.push(result.length);
    }
    return { rows, pages };
  }

  it('finds the twins that match its condition, in full pages except the last', async () => {
    const text = "SELECT * FROM devices.modules WHERE moduleId = 'agent' AND properties.desired.level >= 2";
    const { rows, pages } = await all(text, 2);
    expect(rows.map(({ deviceId }) => deviceId)).toEqual(['d2', 'd3', 'd4', 'd5', 'd6']);
    expect(pages).toEqual([2, 2, 1]);
    expect(rows[0]).toEqual(hub.registry.readTwin({ deviceId: 'd2', moduleId: 'agent' }));
  });

  it('can compare versions, metadata, status and capabilities', async () => {
    const found = async (condition: string, from = 'devices.modules') =>
      (await all(`SELECT deviceId FROM ${from} WHERE ${condition}`)).rows.map(({ deviceId }) => deviceId);
    expect(await found('properties.desired.level = 0 AND properties.desired.$version = 1')).toEqual(['d0']);
    expect(
      await found("properties.desired.level = 1 AND properties.desired.$metadata.level.$lastUpdated > '2'"),
    ).toEqual(['d1']);
    expect(await found("status = 'enabled' AND version = 2 AND deviceId = 'd3'", 'devices')).toEqual(['d3']);
    expect(await found('capabilities.iotEdge = true', 'devices')).toEqual(['d6']);
    expect(await found("status = 'disabled'", 'devices')).toEqual([]);
  });

  it('returns selected values under their alias or the last key of their path', async () => {
    const text =
      "SELECT deviceId, properties.desired.[[urn:x y]].value AS priority, tags.n, properties.desired.[[urn:x y]] FROM devices.modules WHERE deviceId IN ['d0', 'd1']";
    const { rows } = await all(text);
    expect(rows).toEqual([
      { deviceId: 'd0', priority: 'High', 'urn:x y': { value: 'High' } },
      { deviceId: 'd1', priority: 'High', n: 1, 'urn:x y': { value: 'High' } },
    ]);
  });

  it('counts twins, also by group', async () => {
    expect((await all('SELECT COUNT() AS n FROM devices')).rows).toEqual([{ n: 7 }]);
    expect((await all("SELECT COUNT() as n FROM devices WHERE tags.site = 'north'")).rows).toEqual([{ n: 4 }]);
    expect((await all("SELECT COUNT() as n FROM devices WHERE tags.site = 'west'")).rows).toEqual([{ n: 0 }]);
    const { rows, pages } = await all('SELECT tags.site, COUNT() AS n FROM devices GROUP BY tags.site', 1);
    expect(rows).toEqual([
      { site: 'north', n: 4 },
      { site: 'south', n: 3 },
    ]);
    expect(pages).toEqual([1, 1]);
  });

  it('returns at most TOP results over all pages', async () => {
    expect((await all('SELECT TOP 5 * FROM devices', 2)).pages).toEqual([2, 2, 1]);
    expect((await all('SELECT TOP 4 deviceId FROM devices', 2)).pages).toEqual([2, 2]);
    expect((await all('SELECT TOP 50 * FROM devices', 4)).pages).toEqual([4, 3]);
  });

  it('has the item type Twin for whole twins, and Raw for other results', async () => {
    const type = async (text: string) => {
      const { message } = await hub.operator.createQuery(text).next();
      return message?.headers['x-ms-item-type'];
    };
    expect(await type('SELECT * FROM devices')).toBe('Twin');
    expect(await type('SELECT deviceId FROM devices')).toBe('Raw');
    expect(await type('SELECT COUNT() AS n FROM devices')).toBe('Raw');
  });

  it('is refused with the position of a syntax error', async () => {
    const error = await refusal(hub.operator.createQuery("SELECT * FROM devices WHERE tags.a = 'x; y").next());
    expect(error.response.statusCode).toBe(400);
    expect(JSON.parse(error.responseBody).Message).toBe(
      "ErrorCode:ArgumentInvalid;BadRequest: Syntax error at position 37: the string has no closing '",
    );
  });

  it.each([
    ["SELECT * FROM devices WHERE tags.site = 'north'", "SELECT * FROM devices WHERE tags.site = 'south'"],
    ['SELECT TOP 3 * FROM devices', 'SELECT TOP 4 * FROM devices'],
  ])('refuses the continuation of another query: %s, %s', async (text, other) => {
    const query = hub.operator.createQuery(text, 1);
    await query.next();
    const error = await refusal(hub.operator.createQuery(other, 1).next(query.continuationToken));
    expect(error.response.statusCode).toBe(400);
    expect(error.responseBody).toContain('does not belong to this query');
  });

  it('returns each module twin once over all pages', async () => {
    const query = hub.operator.createQuery('SELECT * FROM devices.modules', 2);
    const found: string[] = [];
    while (query.hasMoreResults) {
      const { result } = await query.nextAsTwin();
      expect(result.length).toBeLessThanOrEqual(2);
      found.push(...result.map((twin) => `${twin.deviceId}/${twin.moduleId}`));
    }
    const agents = [0, 1, 2, 3, 4, 5, 6].map((index) => `d${index}/agent`);
    expect(found.toSorted()).toEqual(['d6/$edgeAgent', 'd6/$edgeHub', ...agents].toSorted());
  });

  it('returns device twins in the same form as reads', async () => {
    const deviceId = 'd3';
    const { result } = await hub.operator.createQuery('select * from devices', 1000).next();
    const twin = JSON.parse((await requestRaw(hub, 'GET', `/twins/${deviceId}${apiVersion}`)).body);
    expect(result.find((found: { deviceId: string }) => found.deviceId === deviceId)).toEqual(twin);
  });

  it('refuses the continuation of a query on another collection', async () => {
    const first = await requestRaw(hub, 'POST', `/devices/query${apiVersion}`, {
      body: '{"query":"SELECT * FROM devices"}',
      headers: { 'x-ms-max-item-count': '1' },
    });
    const continuation = String(first.headers['x-ms-continuation']);
    const next = await requestRaw(hub, 'POST', `/devices/query${apiVersion}`, {
      body: '{"query":"SELECT * FROM devices.modules"}',
      headers: { 'x-ms-continuation': continuation },
    });
    expect(next.status).toBe(400);
  });
});
