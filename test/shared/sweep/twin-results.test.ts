import { describe, expect, it } from 'vitest';
import { parseQuery, valueAt } from '../../../shared/query/index.ts';
import { QueryRefused } from '../../../shared/sweep/interruption.ts';
import { deviceIdsOf, foundIn, toDevice, toProjectedTwin } from '../../../shared/sweep/twin-results.ts';
import { twinColumns, twinsQuery, withColumns } from '../../../shared/sweep/where/index.ts';
import { type JsonObject, toTwin } from '../../../shared/twin/index.ts';
import { fc } from '../../support/arbitraries.ts';
import { policyOf, policyWithTwin, toPolicy } from './where/policy-and-twin.ts';

const whole = {
  deviceId: 'd',
  moduleId: 'Agent',
  etag: 'AAE=',
  version: 7,
  tags: { plant: 1 },
  capabilities: { iotEdge: true },
  properties: {
    desired: { a: 1, $metadata: { $lastUpdated: '2026-01-01T00:00:00Z' }, $version: 3 },
    reported: { b: 2, $metadata: {}, $version: 4 },
  },
} satisfies JsonObject;

/** Returns the row that IoT Hub makes of a twin: a flat object with one name for each column. */
function rowOf(columns: string, twin: JsonObject): JsonObject {
  const { select } = parseQuery(`SELECT ${columns} FROM devices`);
  if (select === '*') return twin;
  return Object.fromEntries(
    select.flatMap((selected) => {
      const value = selected.type === 'value' ? valueAt(twin, selected.path) : undefined;
      return value === undefined ? [] : [[selected.key, value]];
    }),
  );
}

describe('a row of selected columns', () => {
  it('gives the same twin as the whole document, for a policy with an evaluate function', () => {
    const policy = toPolicy({ name: 'custom', evaluate: () => [] });
    const row = rowOf(twinColumns([policy]), whole);
    expect(toProjectedTwin(row, 'd', '')).toEqual(toTwin(whole, 'd', ''));
    expect(toProjectedTwin(whole, 'd', '')).toEqual(toTwin(whole, 'd', ''));
    expect(toDevice(row, 'd')).toEqual({ deviceId: 'd', tags: { plant: 1 }, edge: true });
  });

  it('leaves out what no policy reads', () => {
    const policy = policyOf({ desired: { a: 1 } });
    expect(Object.keys(rowOf(twinColumns([policy]), whole))).toEqual(['deviceId', 'version', 'desired']);
  });

  it('has the desired properties of the twin, whatever the policy', () => {
    fc.assert(
      fc.property(policyWithTwin({ objects: true }), ({ policy, document }) => {
        const row = rowOf(twinColumns([policy]), document);
        expect(toProjectedTwin(row, 'd', policy.module)?.desired).toEqual(
          toTwin(document, 'd', policy.module)?.desired,
        );
      }),
    );
  });

  it('is read although the hub writes the names of the columns with a capital letter', () => {
    const row = { DeviceId: 'd', Version: 7 };
    expect(deviceIdsOf(row)).toEqual(['d']);
    expect(foundIn(row)).toEqual([{ deviceId: 'd', version: 7 }]);
  });

  it('without desired properties is refused, because each twin has them', () => {
    expect(() => toProjectedTwin({ deviceId: 'd' }, 'd', 'Agent')).toThrow(QueryRefused);
    expect(() => toProjectedTwin({ deviceId: 'd', desired: 'text' }, 'd', 'Agent')).toThrow(/no desired properties.*d/);
  });

  it('replaces only the columns of a query', () => {
    const query = twinsQuery(
      toPolicy({ name: 'test', appliesTo: { tags: { plant: ' FROM $& ' } }, desired: { a: 1 } }),
    );
    expect(withColumns(query, '*')).toBe("SELECT * FROM devices WHERE tags.plant = ' FROM $& '");
  });
});
