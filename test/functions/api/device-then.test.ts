import { expect, it } from 'vitest';
import { readDeviceThen } from '../../../functions/api/device-then.ts';
import { renderDeviceAt } from '../../../infra/cli/view/past-view.ts';
import { createHistory, createRollups } from '../../../shared/drift/index.ts';
import { createPolicyVersions } from '../../../shared/evidence/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { at, useHistory } from '../../shared/drift/history-fixture.ts';
import { driftRow } from '../../support/drift-rows.ts';

const fixture = useHistory();

it('has all rows of a device at a time, also where a long search ends its pages early', async () => {
  const { account, now } = fixture;
  const rows = Array.from({ length: 260 }, (_, id) => driftRow('d', at(id), { path: `p${id}`, outcome: 'heldBack' }));
  await fixture.record(...rows);
  const app = {
    history: createHistory(account, now, { maxSearchTime: 0 }),
    policyVersions: createPolicyVersions(account, now),
    rollups: createRollups(account, now),
    sweepStore: createSweepStore(account, now),
  };
  expect((await app.history.during({ deviceId: 'd', openFrom: at(300), openTo: at(301) }, 1000)).rows).not.toHaveLength(
    260,
  );
  const device = await readDeviceThen(app, 'd', at(300));
  expect([device.open.length, device.isRecorded]).toEqual([260, true]);

  // A mistyped id must not look like a device that complied.
  const other = await readDeviceThen(app, 'mistyped', at(300));
  expect([other.open, other.isRecorded]).toEqual([[], false]);
  expect(renderDeviceAt(other, false)).toContain('It may not have existed then');
  expect(renderDeviceAt(device, false)).not.toContain('It may not have existed then');
});
