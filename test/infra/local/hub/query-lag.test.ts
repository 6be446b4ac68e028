/** Tests of queries that see the registry as it was some time ago. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { startTestHub } from './hub-client.ts';
import { newRegistry, now, type Row } from './query-registry.ts';

describe('a query with a lag', () => {
  const lag = 1000;

  function laggingRegistry() {
    let time = now;
    const lagging = newRegistry({ now: () => time, queryLag: lag });
    return { ...lagging, pass: (milliseconds: number) => (time += milliseconds) };
  }

  const ids = (rows: readonly Row[]) =>
    rows.map(({ deviceId, moduleId }) => [deviceId, moduleId].filter(Boolean).join('/'));

  it('sees a device and its module after the lag, while reads see them at once', () => {
    const { registry, query, pass } = laggingRegistry();
    registry.create({ deviceId: 'd' }, {});
    pass(400);
    registry.create({ deviceId: 'd', moduleId: 'm' }, {}, { desired: { a: 1 } });
    expect(query('SELECT * FROM devices')).toEqual([]);
    expect(registry.readTwin({ deviceId: 'd', moduleId: 'm' })).toMatchObject({ properties: { desired: { a: 1 } } });
    pass(599);
    expect(query('SELECT * FROM devices')).toEqual([]);
    pass(1);
    expect(ids(query('SELECT * FROM devices'))).toEqual(['d']);
    expect(query('SELECT * FROM devices.modules')).toEqual([]);
    pass(400);
    expect(ids(query('SELECT * FROM devices.modules WHERE properties.desired.a = 1'))).toEqual(['d/m']);
  });

  it('sees the old twin during the lag and the new one after', () => {
    const { registry, query, pass } = laggingRegistry();
    registry.create({ deviceId: 'd' }, {}, { desired: { a: 1 } });
    pass(lag);
    const before = registry.readTwin({ deviceId: 'd' });
    registry.patchTwin({ deviceId: 'd' }, { desired: { a: 2 } }, '*');
    registry.report({ deviceId: 'd' }, { b: 3 });
    registry.update({ deviceId: 'd' }, { status: 'disabled' }, '*');
    expect(query('SELECT * FROM devices')).toEqual([before]);
    expect(query('SELECT * FROM devices WHERE properties.desired.a = 2')).toEqual([]);
    pass(lag);
    expect(query('SELECT * FROM devices')).toEqual([registry.readTwin({ deviceId: 'd' })]);
  });

  it('sees a deleted device and its modules until the lag is over, then the new device', () => {
    const { registry, query, pass } = laggingRegistry();
    registry.create({ deviceId: 'd' }, { iotEdge: true });
    registry.create({ deviceId: 'd', moduleId: 'm' }, {});
    pass(lag);
    registry.delete({ deviceId: 'd', moduleId: 'm' }, '*');
    pass(lag / 2);
    registry.delete({ deviceId: 'd' }, '*');
    registry.create({ deviceId: 'd' }, {});
    expect(ids(query('SELECT * FROM devices.modules'))).toEqual(['d/$edgeAgent', 'd/$edgeHub', 'd/m']);
    pass(lag / 2);
    expect(ids(query('SELECT * FROM devices.modules'))).toEqual(['d/$edgeAgent', 'd/$edgeHub']);
    pass(lag / 2);
    expect(query('SELECT * FROM devices.modules')).toEqual([]);
    expect(ids(query('SELECT * FROM devices'))).toEqual(['d']);
  });

  it('sees the same twins as reads after the lag, in the same order', () => {
    const change = fc.tuple(
      fc.constantFrom('device', 'module', 'delete', 'deleteModule', 'patch', 'patchDevice', 'wait'),
      fc.constantFrom('a', 'b', 'c'),
    );
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40, size: 'max' }), (changes) => {
        const { registry, query, pass } = laggingRegistry();
        const current = newRegistry();
        for (const [operation, deviceId] of changes) {
          if (operation === 'wait') pass(lag / 3);
          for (const { registry: each } of [{ registry }, current]) {
            try {
              if (operation === 'device') each.create({ deviceId }, {});
              if (operation === 'module') each.create({ deviceId, moduleId: 'm' }, {});
              if (operation === 'delete') each.delete({ deviceId }, '*');
              if (operation === 'deleteModule') each.delete({ deviceId, moduleId: 'm' }, '*');
              if (operation === 'patch') each.patchTwin({ deviceId, moduleId: 'm' }, { desired: { a: 1 } }, '*');
              if (operation === 'patchDevice') each.patchTwin({ deviceId }, { tags: { a: 1 } }, '*');
            } catch {
              // Both registries refuse the operation, because its target does not exist or already exists.
            }
          }
        }
        pass(lag);
        for (const text of [
          'SELECT deviceId, version FROM devices',
          'SELECT deviceId, moduleId, version FROM devices.modules',
        ]) {
          expect(query(text)).toEqual(current.query(text));
        }
      }),
    );
  });

  it('is correct after thousands of changes without queries', () => {
    const { registry, query, pass } = laggingRegistry();
    for (let index = 0; index < 3500; index += 1) {
      registry.create({ deviceId: `d${index}` }, {});
      pass(1);
    }
    expect(query('SELECT COUNT() AS n FROM devices')).toEqual([{ n: 2501 }]);
    pass(lag);
    expect(query('SELECT COUNT() AS n FROM devices')).toEqual([{ n: 3500 }]);
  });

  it('uses the hub’s own clock', async () => {
    const hub = await startTestHub({ queryLag: 3_600_000_000, timeScale: 60 });
    try {
      await hub.operator.create({ deviceId: 'd' });
      expect((await hub.operator.createQuery('SELECT * FROM devices').next()).result).toEqual([]);
      expect((await hub.operator.getTwin('d')).responseBody.deviceId).toBe('d');
    } finally {
      await hub.close();
    }
  });

  it('refuses a negative lag', () => {
    expect(() => newRegistry({ queryLag: -1 })).toThrow('queryLag must be 0 or more milliseconds, not -1.');
    expect(() => newRegistry({ queryLag: Number.NaN })).toThrow('queryLag');
  });
});
