/** Tests what the API tells about a time that is past. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  DeviceAnswer,
  DeviceThenAnswer,
  DriftPage,
  OpenThenPage,
  ProblemAnswer,
} from '../../../functions/api/answers.ts';
import {
  createOpenSnapshots,
  createRollups,
  type DriftRow,
  noKnownRows,
  type Transition,
} from '../../../shared/drift/index.ts';
import { createPolicyVersions } from '../../../shared/evidence/index.ts';
import { policyHash, toPolicySet } from '../../../shared/policy/index.ts';
import { createSweepStore } from '../../../shared/sweep/store/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { policies } from '../../support/fixture-policies.ts';
import { type Api, startApi } from './api-host.ts';

let api: Api;
/** ISO 8601, a number of minutes ago. */
const start = Date.now();
const ago = (minutes: number) => new Date(start - minutes * 60_000).toISOString();
const inForce = toPolicySet(policies, { mode: 'enforce' }).all;
const [policy] = inForce;
const name = policy?.name ?? '';

const heldThenReleased: readonly Transition[] = [
  { at: ago(200), outcome: 'heldBack', reason: 'blastRadius: 20 of 20 twins', by: 'event' },
  { at: ago(100), outcome: 'enforced', by: 'manual' },
];

beforeAll(async () => {
  api = await startApi();
  const { journal, storage } = api.world;
  const rows: readonly DriftRow[] = [
    driftRow('held', ago(200), {
      policy: name,
      outcome: 'enforced',
      outcomeAt: ago(100),
      transitions: heldThenReleased,
    }),
    driftRow('later', ago(50), { policy: name, outcome: 'audited' }),
    driftRow('before', ago(400), { policy: name, outcome: 'enforced', outcomeAt: ago(399) }),
  ];
  for (const row of rows) await journal.write(row.deviceId, [row], noKnownRows());
  const then = () => new Date(ago(300));
  await createPolicyVersions(storage, then).record(inForce, '1.2.3');
  await createRollups(storage, then).refresh([{ name, devices: 10 }]);
  await createOpenSnapshots(storage, () => new Date(ago(350))).takeDaily();
});
afterAll(() => api?.close());

describe('GET /api/drift/open with at', () => {
  it('has what was out of line then, what had been decided, and what was in force', async () => {
    const { status, body } = await api.get<OpenThenPage>(`drift/open?at=${ago(150)}`);
    expect(status).toBe(200);
    expect(body.rows).toMatchObject([
      {
        deviceId: 'held',
        outcome: 'enforced',
        was: { outcome: 'heldBack', since: ago(200), reason: 'blastRadius: 20 of 20 twins', by: 'event' },
        why: { state: 'heldBack', reason: 'blastRadius: 20 of 20 twins' },
      },
    ]);
    expect(body.standing).toMatchObject({ at: ago(150), appVersion: '1.2.3' });
    expect(body.standing?.policies.find((one) => one.policy === name)).toMatchObject({
      version: policy === undefined ? '' : policyHash(policy),
      mode: 'enforce',
      since: ago(300),
    });
    expect((await api.get<OpenThenPage>(`drift/open?at=${ago(20)}`)).body.rows.map(({ deviceId }) => deviceId)).toEqual(
      ['later'],
    );
  });

  it('says that nothing was in force before the first record', async () => {
    const { body } = await api.get<OpenThenPage>(`drift/open?at=${ago(390)}`);
    expect(body).toMatchObject({ rows: [], standing: { policies: [] } });
  });

  it('keeps a time before now on every page', async () => {
    const first = await api.get<OpenThenPage>('drift/open?at=-150m&limit=1');
    expect(first.body.rows).toHaveLength(1);
    const cursor = first.body.cursor ?? '';
    const { status, body } = await api.get<OpenThenPage>(`drift/open?at=-150m&limit=1&cursor=${cursor}`);
    expect([status, body.rows, body.standing]).toEqual([200, [], undefined]);
    const other = await api.get<ProblemAnswer>(`drift/open?at=-151m&limit=1&cursor=${cursor}`);
    expect([other.status, other.body.parameter]).toEqual([400, 'cursor']);
  });

  it('refuses a forged cursor with a day that does not exist, or with a time to come', async () => {
    for (const time of ['2026-13-45T99:99:99.999Z', '2999-01-01T00:00:00.000Z', '']) {
      const cursor = Buffer.from(JSON.stringify(['-150m', '', time, '', 'x'])).toString('base64url');
      const { status, body } = await api.get<ProblemAnswer>(`drift/open?at=-150m&cursor=${cursor}`);
      expect([time, status, body.parameter]).toEqual([time, 400, 'cursor']);
    }
  });

  it('refuses a time to come', async () => {
    const { status, body } = await api.get<ProblemAnswer>(
      `drift/open?at=${new Date(Date.now() + 3600_000).toISOString()}`,
    );
    expect([status, body.parameter, body.detail]).toEqual([400, 'at', expect.stringContaining('must be past')]);
  });
});

describe('GET /api/drift with openFrom', () => {
  it('has everything that was out of line at any moment of the range, as JSON and as CSV', async () => {
    const ids = async (query: string) =>
      (await api.get<DriftPage>(`drift?${query}`)).body.rows.map(({ deviceId }) => deviceId).toSorted();
    expect(await ids(`openFrom=${ago(150)}&openTo=${ago(120)}`)).toEqual(['held']);
    expect(await ids(`openFrom=${ago(150)}`)).toEqual(['held', 'later']);
    expect(await ids(`openFrom=${ago(150)}&outcome=heldBack`)).toEqual(['held']);
    expect(await ids(`openFrom=${ago(150)}&outcomeNow=heldBack`)).toEqual([]);
    expect(await ids(`openFrom=${ago(150)}&deviceId=later`)).toEqual(['later']);
    const { text } = await api.get(`drift?openFrom=${ago(150)}&openTo=${ago(120)}`, { accept: 'text/csv' });
    expect(text.trim().split('\n')).toHaveLength(2);
  });

  it('refuses to mix it with the time of detection', async () => {
    for (const [query, parameter] of [
      [`openFrom=${ago(9)}&from=-1h`, 'from'],
      [`openTo=${ago(9)}`, 'openTo'],
      [`openFrom=${ago(9)}&openTo=${ago(19)}`, 'openFrom'],
    ]) {
      const { status, body } = await api.get<ProblemAnswer>(`drift?${query}`);
      expect([query, status, body.parameter]).toEqual([query, 400, parameter]);
    }
  });
});

describe('GET /api/devices/{deviceId}', () => {
  it('with at: which versions applied, what was out of line, and when it had been looked at', async () => {
    const { status, body } = await api.get<DeviceThenAnswer>(`devices/held?at=${ago(150)}`);
    expect(status).toBe(200);
    expect(body.open).toMatchObject([{ was: { outcome: 'heldBack', since: ago(200) } }]);
    expect(body.policies.find((one) => one.policy === name)).toMatchObject({ applies: 'yes', since: ago(300) });
    expect(body.verified).toContainEqual({ policy: name, at: ago(200), how: 'event' });
    expect((await api.get<DeviceThenAnswer>(`devices/held?at=${ago(90)}`)).body).toMatchObject({ open: [] });
  });

  it('says when it was last looked at, and nothing before any look', async () => {
    const deviceId = 'looked-at';
    api.world.hub.registry.create({ deviceId }, {});
    const before = await api.get<DeviceAnswer>(`devices/${deviceId}`);
    expect([before.body.verified, before.body.lastVerifiedAt]).toEqual([[], undefined]);
    const store = createSweepStore(api.world.storage, () => new Date());
    const claim = await store.claim({ trigger: 'timer' });
    if (claim === undefined) throw new Error('Another sweep runs.');
    const { startedAt: at } = claim.row;
    const values = { how: 'query', at } as const;
    const verified = Object.fromEntries(
      policies.map((one) => [one.name, { values, modules: { how: 'count', at } as const }]),
    );
    await store.release(claim, undefined, { ...claim.row, state: 'done', endedAt: at, verified });
    const { body } = await api.get<DeviceAnswer>(`devices/${deviceId}`);
    expect(body.lastVerifiedAt).toBe(at);
    expect(body.verified).toContainEqual({ policy: name, at, how: 'sweepQuery', module: { at, how: 'sweepCount' } });
  });
});
