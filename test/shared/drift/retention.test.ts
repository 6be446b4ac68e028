import { TableClient } from '@azure/data-tables';
import { describe, expect, it } from 'vitest';
import { createHistory, createRetention, type DriftRow } from '../../../shared/drift/index.ts';
import { collect, driftRow } from '../../support/drift-rows.ts';
import { at, begin, hour, useRollups } from './rollups-fixture.ts';

const fixture = useRollups();

describe('retention', () => {
  const oldRow = (deviceId: string, hours: number, more: Partial<DriftRow> = {}) =>
    driftRow(deviceId, at(-hours), more);
  const noDeadline = () => true;
  /** Days after the rows of the tests have changed. */
  const later = () => new Date(at(100));

  it('removes old rows from journal and timeline, and keeps younger ones', async () => {
    const young = oldRow('a', 10, { path: 'young' });
    await fixture.record(oldRow('a', 100), oldRow('b', 50), young);
    const retention = createRetention(fixture.account, later);
    expect(await retention.removeBefore(new Date(at(-48)), noDeadline)).toEqual({
      removed: 2,
      kept: 0,
      isUnfinished: false,
    });
    expect(await collect(createHistory(fixture.account, () => new Date(at(0))).rows({ deviceId: 'a' }))).toEqual([
      young,
    ]);
    expect(await collect(createHistory(fixture.account, () => new Date(at(0))).rows({ deviceId: 'b' }))).toEqual([]);
    expect(await fixture.entities('TwinkeeperTimeline')).toHaveLength(1);
  });

  it('keeps an open row, and removes the row after it is closed', async () => {
    const open = oldRow('a', 100, { outcome: 'audited' });
    await fixture.record(open);
    const retention = createRetention(fixture.account, later);
    expect(await retention.removeBefore(fixture.now(), noDeadline)).toMatchObject({ removed: 0, kept: 1 });
    expect((await createHistory(fixture.account, fixture.now).open({}, 10)).rows).toEqual([open]);
    await fixture.record({ ...open, closedAt: at(-1) });
    expect(await retention.removeBefore(fixture.now(), noDeadline)).toMatchObject({ removed: 1, kept: 0 });
    expect(await fixture.entities('TwinkeeperDrift')).toEqual([]);
  });

  it('keeps a row that changed less than two days ago, so that its change is sealed first', async () => {
    const open = oldRow('a', 500, { outcome: 'audited' });
    await fixture.record({ ...open, closedAt: at(-1) });
    const removeAt = (hours: number) =>
      createRetention(fixture.account, () => new Date(at(hours))).removeBefore(fixture.now(), noDeadline);
    expect(await removeAt(46)).toMatchObject({ removed: 0, kept: 1 });
    expect(await removeAt(48)).toMatchObject({ removed: 1, kept: 0 });
  });

  it('keeps a row that was open after the time, so that nothing is missing since then', async () => {
    const history = createHistory(fixture.account, fixture.now);
    await fixture.record(oldRow('a', 100, { outcome: 'enforced', outcomeAt: at(-20) }));
    const retention = createRetention(fixture.account, later);
    expect(await retention.removeBefore(new Date(at(-48)), noDeadline)).toMatchObject({ removed: 0, kept: 1 });
    expect(await history.completeSince()).toBe(at(-48));
    const moment = { openFrom: at(-30), openTo: at(-29) };
    expect((await history.during(moment, 10)).rows).toHaveLength(1);
    expect(await retention.removeBefore(new Date(at(-19)), noDeadline)).toMatchObject({ removed: 1, kept: 0 });
  });

  it('can be interrupted between and within batches, and is completed by the next run', async () => {
    await fixture.record(...Array.from({ length: 230 }, (_, index) => oldRow('a', 60, { path: `p${index}` })));
    const retention = createRetention(fixture.account, later);
    let batches = 0;
    expect(await retention.removeBefore(fixture.now(), () => ++batches <= 1)).toEqual({
      removed: 100,
      kept: 0,
      isUnfinished: true,
    });
    const submit = TableClient.prototype.submitTransaction;
    TableClient.prototype.submitTransaction = async function (this: TableClient, actions) {
      if (this.tableName === 'TwinkeeperTimeline') throw new Error('killed');
      return submit.call(this, actions);
    };
    await expect(retention.removeBefore(fixture.now(), noDeadline)).rejects.toThrow('killed');
    TableClient.prototype.submitTransaction = submit;
    expect(await retention.removeBefore(fixture.now(), noDeadline)).toMatchObject({ isUnfinished: false });
    expect(await fixture.entities('TwinkeeperDrift')).toEqual([]);
    expect(await fixture.entities('TwinkeeperTimeline')).toEqual([]);
  });

  it('leaves roll-ups unchanged, also when an old row changes later', async () => {
    const open = oldRow('a', 40, { outcome: 'audited' });
    await fixture.record(open, oldRow('b', 40), oldRow('c', 40));
    await fixture.rollups.refresh([]);
    expect(await fixture.total()).toBe(3);
    await createRetention(fixture.account, later).removeBefore(new Date(at(-20)), noDeadline);
    await fixture.record({ ...open, closedAt: at(0) });
    fixture.time = begin + hour;
    await fixture.rollups.refresh([]);
    await fixture.rollups.refresh([]);
    expect(await fixture.total()).toBe(3);
  });
});
