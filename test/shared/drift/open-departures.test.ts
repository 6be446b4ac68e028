import { describe, expect, it } from 'vitest';
import type { History } from '../../../shared/drift/index.ts';
import { openTable } from '../../../shared/storage/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { allPages, at, useHistory } from './history-fixture.ts';

const fixture = useHistory();

describe('the open departures', () => {
  const openRows = async (query: Parameters<History['open']>[0] = {}) =>
    (await allPages((cursor) => fixture.history.open(query, 2, cursor)))
      .map((row) => `${row.deviceId} ${row.outcome}`)
      .toSorted();

  it('can be queried by policy and by device', async () => {
    await fixture.record(
      driftRow('a', at(1), { policy: 'one', outcome: 'audited' }),
      driftRow('a', at(2), { policy: 'two', outcome: 'failed' }),
      driftRow('b', at(3), { policy: 'one', outcome: 'heldBack' }),
      driftRow('c', at(3), { policy: 'one-more', outcome: 'deferred' }),
      driftRow('d', at(4), { policy: 'one', outcome: 'enforced' }),
    );
    expect(await openRows()).toEqual(['a audited', 'a failed', 'b heldBack', 'c deferred']);
    expect(await openRows({ policy: 'one' })).toEqual(['a audited', 'b heldBack']);
    expect(await openRows({ deviceId: 'a' })).toEqual(['a audited', 'a failed']);
    expect(await openRows({ deviceId: 'a', policy: 'two' })).toEqual(['a failed']);
    expect(await openRows({ policy: 'on' })).toEqual([]);
  });

  it('of a policy include devices whose ids begin with a character that keys encode', async () => {
    const ids = ['#hash', '(line-1)', '$edge', "'quoted'", '@x', '=', '!', 'plain', '-dash', '9', 'zz'];
    await fixture.record(...ids.map((id) => driftRow(id, at(1), { policy: 'one', outcome: 'audited' })));
    await fixture.record(driftRow('#hash', at(1), { policy: 'one-more', outcome: 'audited' }));
    const expected = ids.map((id) => `${id} audited`).toSorted();
    expect(await openRows({ policy: 'one' })).toEqual(expected);
    expect(await openRows({ policy: 'one-more' })).toEqual(['#hash audited']);
    expect(await openRows()).toEqual([...expected, '#hash audited'].toSorted());
  });

  it('lose a row once it is pending, repaired or closed, and keep it otherwise', async () => {
    const held = driftRow('a', at(1), { outcome: 'heldBack' });
    const audited = driftRow('b', at(1), { outcome: 'audited' });
    await fixture.record(held, audited, driftRow('c', at(1), { outcome: 'pending' }));
    expect(await openRows()).toEqual(['a heldBack', 'b audited']);
    await fixture.record({ ...held, outcome: 'pending' });
    expect(await openRows()).toEqual(['b audited']);
    await fixture.record({ ...held, outcome: 'enforced' }, audited);
    expect(await openRows()).toEqual(['b audited']);
    await fixture.record({ ...audited, closedAt: at(9) });
    expect(await openRows()).toEqual([]);
    await fixture.record(audited);
    expect(await openRows()).toEqual(['b audited']);
  });

  it('hold the next departure of a property after the one before it ended', async () => {
    const first = driftRow('a', at(1), { outcome: 'audited' });
    const second = driftRow('a', at(2), { outcome: 'audited' });
    await fixture.record(first);
    await fixture.record({ ...first, closedAt: at(2) }, second);
    expect((await fixture.history.open({}, 10)).rows).toEqual([second]);
  });
});

describe('a stored row', () => {
  it('keeps the writes that are folded into it, in each table', async () => {
    const lastWrite = { version: 30, at: at(20), exact: true };
    const row = driftRow('a', at(1), {
      outcome: 'heldBack',
      times: 29,
      lastWrite,
      lastActual: { x: 'y'.repeat(40_000) },
    });
    await fixture.record(row);
    expect((await fixture.history.open({}, 10)).rows).toEqual([row]);
    expect((await fixture.history.page({ deviceId: 'a' }, 10)).rows).toEqual([row]);
    expect((await fixture.history.page({ from: at(0) }, 10)).rows).toEqual([row]);
    await fixture.record({ ...row, outcome: 'enforced' });
    expect((await fixture.history.page({ from: at(0) }, 10)).rows).toEqual([{ ...row, outcome: 'enforced' }]);
  });

  it('has a schema version in each table', async () => {
    await fixture.record(driftRow('a', at(1), { outcome: 'audited' }));
    for (const name of ['TwinkeeperDrift', 'TwinkeeperTimeline', 'TwinkeeperOpen']) {
      const entities = await collect((await openTable(fixture.account, name)).listEntities<{ v: number }>());
      expect(entities.length).toBeGreaterThan(0);
      for (const { v } of entities) expect([1, 2]).toContain(v);
    }
  });
});
