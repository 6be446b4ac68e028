/** Queries, through the SDK and past it, and over a registry whose time the test makes. */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EventLog } from '../../../../infra/local/hub/event-log.ts';
import { parseQuery, runQuery } from '../../../../infra/local/hub/query.ts';
import { Registry, type RegistryOptions } from '../../../../infra/local/hub/registry.ts';
import { holds, parseCondition } from '../../../../shared/query/index.ts';
import { refusal, startTestHub, type TestHub } from './hub-client.ts';

type Row = Readonly<Record<string, unknown>>;

describe('through the SDK', () => {
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

  /** All results, page by page. */
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

  it('find the twins for which a condition holds, in pages that are full until the last', async () => {
    const text = "SELECT * FROM devices.modules WHERE moduleId = 'agent' AND properties.desired.level >= 2";
    const { rows, pages } = await all(text, 2);
    expect(rows.map(({ deviceId }) => deviceId)).toEqual(['d2', 'd3', 'd4', 'd5', 'd6']);
    expect(pages).toEqual([2, 2, 1]);
    expect(rows[0]).toEqual(hub.registry.readTwin({ deviceId: 'd2', moduleId: 'agent' }));
  });

  it('find what only the rest of a twin tells: versions, metadata, states, capabilities', async () => {
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

  it('give the values that they select, under the last key of the path or the alias', async () => {
    const text =
      "SELECT deviceId, properties.desired.[[urn:x y]].value AS priority, tags.n, properties.desired.[[urn:x y]] FROM devices.modules WHERE deviceId IN ['d0', 'd1']";
    const { rows } = await all(text);
    expect(rows).toEqual([
      { deviceId: 'd0', priority: 'High', 'urn:x y': { value: 'High' } },
      { deviceId: 'd1', priority: 'High', n: 1, 'urn:x y': { value: 'High' } },
    ]);
  });

  it('count', async () => {
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

  it('give so many as TOP says, over all pages', async () => {
    expect((await all('SELECT TOP 5 * FROM devices', 2)).pages).toEqual([2, 2, 1]);
    expect((await all('SELECT TOP 4 deviceId FROM devices', 2)).pages).toEqual([2, 2]);
    expect((await all('SELECT TOP 50 * FROM devices', 4)).pages).toEqual([4, 3]);
  });

  it('say whether results are whole twins', async () => {
    const type = async (text: string) => {
      const { message } = await hub.operator.createQuery(text).next();
      return message?.headers['x-ms-item-type'];
    };
    expect(await type('SELECT * FROM devices')).toBe('Twin');
    expect(await type('SELECT deviceId FROM devices')).toBe('Raw');
    expect(await type('SELECT COUNT() AS n FROM devices')).toBe('Raw');
  });

  it('are refused with what is wrong and where', async () => {
    const error = await refusal(hub.operator.createQuery("SELECT * FROM devices WHERE tags.a = 'x; y").next());
    expect(error.response.statusCode).toBe(400);
    expect(JSON.parse(error.responseBody).Message).toBe(
      "ErrorCode:ArgumentInvalid;BadRequest: Syntax error at position 37: the string has no closing '",
    );
  });

  it.each([
    ["SELECT * FROM devices WHERE tags.site = 'north'", "SELECT * FROM devices WHERE tags.site = 'south'"],
    ['SELECT TOP 3 * FROM devices', 'SELECT TOP 4 * FROM devices'],
  ])('do not go on where another stopped: %s, %s', async (text, other) => {
    const query = hub.operator.createQuery(text, 1);
    await query.next();
    const error = await refusal(hub.operator.createQuery(other, 1).next(query.continuationToken));
    expect(error.response.statusCode).toBe(400);
    expect(error.responseBody).toContain('does not belong to this query');
  });
});

const now = Date.UTC(2026, 0, 1);

function newRegistry(options: Partial<RegistryOptions> = {}) {
  const registry = new Registry({ hubName: 'test-hub', log: new EventLog(), now: () => now, ...options });
  const ask = (text: string): readonly Row[] => runQuery(registry, parseQuery({ query: text }), 1000).items;
  return { registry, ask };
}

it('a query finds the twins whose documents meet its condition, whichever way it looks at them', () => {
  const { registry, ask } = newRegistry();
  for (let index = 0; index < 12; index += 1) {
    const deviceId = `d${index}`;
    registry.create({ deviceId }, { status: index % 2 === 0 ? 'enabled' : 'disabled', iotEdge: index % 3 === 0 });
    registry.create(
      { deviceId, moduleId: 'm' },
      {},
      { tags: { n: index % 4 }, desired: { a: index % 5, b: { c: 'x' } } },
    );
    if (index % 3 === 0) registry.patchTwin({ deviceId, moduleId: 'm' }, { desired: { a: null } }, '*');
    if (index % 4 === 0) registry.report({ deviceId, moduleId: 'm' }, { a: index });
  }
  const term = fc.constantFrom(
    ...[
      "status = 'enabled'",
      "deviceId = 'd3'",
      'tags.n >= 2',
      'properties.desired.a = 1',
      'properties.reported.a > 3',
    ],
    ...['properties.desired.$version = 2', 'IS_DEFINED(moduleId)', 'IS_OBJECT(properties.desired)', 'IS_DEFINED(etag)'],
    ...['IS_DEFINED(properties.desired.$metadata.a)', 'IS_DEFINED(properties.desired.a)', 'IS_DEFINED(properties)'],
    ...['capabilities.iotEdge = true', 'IS_OBJECT(capabilities)', "properties.desired.b.c = 'x'", 'IS_DEFINED(tags)'],
  );
  fc.assert(
    fc.property(
      fc.array(term, { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.constantFrom('devices', 'devices.modules'),
      (terms, any, source) => {
        const where = terms.join(any ? ' OR ' : ' AND ');
        const condition = parseCondition(where);
        const expected = ask(`SELECT * FROM ${source}`).filter((twin) => holds(condition, twin as never));
        expect(ask(`SELECT * FROM ${source} WHERE ${where}`)).toEqual(expected);
        expect(ask(`SELECT COUNT() AS n FROM ${source} WHERE ${where}`)).toEqual([{ n: expected.length }]);
      },
    ),
  );
});

it('twins without a value make a group of their own, which does not have it either', () => {
  const { registry, ask } = newRegistry();
  for (const deviceId of ['a', 'b', 'c']) registry.create({ deviceId }, {});
  registry.patchTwin({ deviceId: 'b' }, { tags: { x: 'y' } }, '*');
  expect(ask('SELECT tags.x AS x, COUNT() AS n FROM devices GROUP BY tags.x')).toEqual([{ n: 2 }, { x: 'y', n: 1 }]);
});

it('a result may have any key', () => {
  const { registry, ask } = newRegistry();
  registry.create({ deviceId: 'a' }, {});
  const [row = {}] = ask('SELECT deviceId AS __proto__ FROM devices');
  expect(Object.entries(row)).toEqual([['__proto__', 'a']]);
});

describe('queries that lag', () => {
  const lag = 1000;

  function laggingRegistry() {
    let time = now;
    const made = newRegistry({ now: () => time, queryLag: lag });
    return { ...made, pass: (milliseconds: number) => (time += milliseconds) };
  }

  const ids = (rows: readonly Row[]) =>
    rows.map(({ deviceId, moduleId }) => [deviceId, moduleId].filter(Boolean).join('/'));

  it('see a device and its module when they are old enough, and reads at once', () => {
    const { registry, ask, pass } = laggingRegistry();
    registry.create({ deviceId: 'd' }, {});
    pass(400);
    registry.create({ deviceId: 'd', moduleId: 'm' }, {}, { desired: { a: 1 } });
    expect(ask('SELECT * FROM devices')).toEqual([]);
    expect(registry.readTwin({ deviceId: 'd', moduleId: 'm' })).toMatchObject({ properties: { desired: { a: 1 } } });
    pass(599);
    expect(ask('SELECT * FROM devices')).toEqual([]);
    pass(1);
    expect(ids(ask('SELECT * FROM devices'))).toEqual(['d']);
    expect(ask('SELECT * FROM devices.modules')).toEqual([]);
    pass(400);
    expect(ids(ask('SELECT * FROM devices.modules WHERE properties.desired.a = 1'))).toEqual(['d/m']);
  });

  it('see a twin as it was, and then as it became', () => {
    const { registry, ask, pass } = laggingRegistry();
    registry.create({ deviceId: 'd' }, {}, { desired: { a: 1 } });
    pass(lag);
    const before = registry.readTwin({ deviceId: 'd' });
    registry.patchTwin({ deviceId: 'd' }, { desired: { a: 2 } }, '*');
    registry.report({ deviceId: 'd' }, { b: 3 });
    registry.update({ deviceId: 'd' }, { status: 'disabled' }, '*');
    expect(ask('SELECT * FROM devices')).toEqual([before]);
    expect(ask('SELECT * FROM devices WHERE properties.desired.a = 2')).toEqual([]);
    pass(lag);
    expect(ask('SELECT * FROM devices')).toEqual([registry.readTwin({ deviceId: 'd' })]);
  });

  it('see what was deleted for a while, and in its place only what came after it', () => {
    const { registry, ask, pass } = laggingRegistry();
    registry.create({ deviceId: 'd' }, { iotEdge: true });
    registry.create({ deviceId: 'd', moduleId: 'm' }, {});
    pass(lag);
    registry.delete({ deviceId: 'd', moduleId: 'm' }, '*');
    pass(lag / 2);
    registry.delete({ deviceId: 'd' }, '*');
    registry.create({ deviceId: 'd' }, {});
    expect(ids(ask('SELECT * FROM devices.modules'))).toEqual(['d/$edgeAgent', 'd/$edgeHub', 'd/m']);
    pass(lag / 2);
    expect(ids(ask('SELECT * FROM devices.modules'))).toEqual(['d/$edgeAgent', 'd/$edgeHub']);
    pass(lag / 2);
    expect(ask('SELECT * FROM devices.modules')).toEqual([]);
    expect(ids(ask('SELECT * FROM devices'))).toEqual(['d']);
  });

  it('end up seeing all that reads see, in the same order', () => {
    const change = fc.tuple(
      fc.constantFrom('device', 'module', 'delete', 'deleteModule', 'patch', 'patchDevice', 'wait'),
      fc.constantFrom('a', 'b', 'c'),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40, size: 'max' }), (changes) => {
        const { registry, ask, pass } = laggingRegistry();
        const current = newRegistry();
        for (const [what, deviceId] of changes) {
          if (what === 'wait') pass(lag / 3);
          for (const { registry: each } of [{ registry }, current]) {
            try {
              if (what === 'device') each.create({ deviceId }, {});
              if (what === 'module') each.create({ deviceId, moduleId: 'm' }, {});
              if (what === 'delete') each.delete({ deviceId }, '*');
              if (what === 'deleteModule') each.delete({ deviceId, moduleId: 'm' }, '*');
              if (what === 'patch') each.patchTwin({ deviceId, moduleId: 'm' }, { desired: { a: 1 } }, '*');
              if (what === 'patchDevice') each.patchTwin({ deviceId }, { tags: { a: 1 } }, '*');
            } catch {
              // There is nothing to delete, or it is there already: the same in both.
            }
          }
        }
        pass(lag);
        for (const text of [
          'SELECT deviceId, version FROM devices',
          'SELECT deviceId, moduleId, version FROM devices.modules',
        ]) {
          expect(ask(text)).toEqual(current.ask(text));
        }
      }),
    );
  });

  it('keep up over thousands of changes, asked or not', () => {
    const { registry, ask, pass } = laggingRegistry();
    for (let index = 0; index < 3500; index += 1) {
      registry.create({ deviceId: `d${index}` }, {});
      pass(1);
    }
    expect(ask('SELECT COUNT() AS n FROM devices')).toEqual([{ n: 2501 }]);
    pass(lag);
    expect(ask('SELECT COUNT() AS n FROM devices')).toEqual([{ n: 3500 }]);
  });

  it('are an option of the hub, in its own time', async () => {
    const hub = await startTestHub({ queryLag: 3_600_000_000, timeScale: 60 });
    try {
      await hub.operator.create({ deviceId: 'd' });
      expect((await hub.operator.createQuery('SELECT * FROM devices').next()).result).toEqual([]);
      expect((await hub.operator.getTwin('d')).responseBody.deviceId).toBe('d');
    } finally {
      await hub.close();
    }
  });

  it('cannot lag by less than nothing', () => {
    expect(() => newRegistry({ queryLag: -1 })).toThrow('queryLag must be 0 or more milliseconds, not -1.');
    expect(() => newRegistry({ queryLag: Number.NaN })).toThrow('queryLag');
  });
});
