/** Tests that compare the results of queries with the whole twin documents. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { holds, parseCondition } from '../../../../shared/query/index.ts';
import { newRegistry } from './query-registry.ts';

describe('the results of a query', () => {
  it('are the twins whose whole documents match the condition', () => {
    const { registry, query } = newRegistry();
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
      ...[
        'properties.desired.$version = 2',
        'IS_DEFINED(moduleId)',
        'IS_OBJECT(properties.desired)',
        'IS_DEFINED(etag)',
      ],
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
          const expected = query(`SELECT * FROM ${source}`).filter((twin) => holds(condition, twin as never));
          expect(query(`SELECT * FROM ${source} WHERE ${where}`)).toEqual(expected);
          expect(query(`SELECT COUNT() AS n FROM ${source} WHERE ${where}`)).toEqual([{ n: expected.length }]);
        },
      ),
    );
  });

  it('have a group for twins without the value, in which the value is missing', () => {
    const { registry, query } = newRegistry();
    for (const deviceId of ['a', 'b', 'c']) registry.create({ deviceId }, {});
    registry.patchTwin({ deviceId: 'b' }, { tags: { x: 'y' } }, '*');
    expect(query('SELECT tags.x AS x, COUNT() AS n FROM devices GROUP BY tags.x')).toEqual([
      { n: 2 },
      { x: 'y', n: 1 },
    ]);
  });

  it('may have any key', () => {
    const { registry, query } = newRegistry();
    registry.create({ deviceId: 'a' }, {});
    const [row = {}] = query('SELECT deviceId AS __proto__ FROM devices');
    expect(Object.entries(row)).toEqual([['__proto__', 'a']]);
  });
});
