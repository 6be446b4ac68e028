import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DriftPage, OpenPage, ProblemAnswer } from '../../../functions/api/answers.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { definePolicy, exactly } from '../../../shared/policy/index.ts';
import { driftRow } from '../../support/drift-rows.ts';
import { newDeviceId } from '../../support/world.ts';
import { type Api, startApi } from './api-host.ts';
import { keysIn, pages } from './drift-pages.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

const of = (deviceId: string) => `deviceId=${encodeURIComponent(deviceId)}`;

describe('GET /api/drift/open', () => {
  it('lists open drift by policy and by device, with the reason why it is not repaired', async () => {
    const watched = [newDeviceId('watched'), newDeviceId('watched')];
    const audit = api.world.withPolicies([
      definePolicy({
        name: 'watch-only',
        module: 'DefenderIotMicroAgent',
        mode: 'audit',
        desired: { Extra_A: exactly(1), Extra_B: exactly(2) },
      }),
    ]);
    for (const deviceId of watched) await api.addDevice(deviceId);
    for (const deviceId of watched) api.disturb(deviceId, { Extra_A: 9, Extra_B: 9 });
    await audit.settle();

    const all = await pages(api, 'drift/open?limit=3&policy=watch-only');
    const rows = all.flatMap((page) => page.rows) as OpenPage['rows'][number][];
    expect(new Set(keysIn({ rows })).size).toBe(rows.length);
    expect(rows.map(({ deviceId, path, why }) => [deviceId, path, why.state]).toSorted()).toEqual(
      watched.flatMap((deviceId) => [
        [deviceId, 'Extra_A', 'audited'],
        [deviceId, 'Extra_B', 'audited'],
      ]),
    );
    expect(rows[0]?.why.reason).toMatch(/audit mode/);

    const count = async (query: string) => (await api.get<OpenPage>(`drift/open?${query}`)).body.rows.length;
    expect(await count('policy=watch-only')).toBe(4);
    expect(await count('policy=watch')).toBe(0);
    expect(await count(of(watched[0] ?? ''))).toBe(2);
    expect(await count(`policy=watch-only&${of(watched[1] ?? '')}`)).toBe(2);
    expect(await count(`policy=defender-micro-agent&${of(watched[1] ?? '')}`)).toBe(0);
  });

  it.each([
    ['', 18],
    ['&policy=POLICY', 18],
    ['&deviceId=POLICY-0', 3],
    ['&deviceId=POLICY-0&policy=POLICY', 3],
  ])(
    'pages through the open rows%s without a repeated or a missing row while rows open and close',
    async (filters, least) => {
      const { journal } = api.world;
      const policy = newDeviceId('paged');
      const at = new Date().toISOString();
      const device = (index: number) => `${policy}-${index}`;
      const out = (deviceId: string, path: string, more: Partial<DriftRow> = {}) =>
        driftRow(deviceId, at, { policy, path, outcome: 'audited', mode: 'audit', ...more });
      const write = async (...rows: readonly DriftRow[]) => {
        const [{ deviceId } = { deviceId: '' }] = rows;
        expect(await journal.write(deviceId, rows, await journal.read(deviceId, new Date(0).toISOString()))).toBe(
          'written',
        );
      };
      for (let index = 0; index < 6; index++) {
        await write(...['a', 'b', 'c'].map((path) => out(device(index), path)));
      }

      const path = (limit: number) => `drift/open?limit=${limit}${filters.replaceAll('POLICY', policy)}`;
      const before = keysIn((await api.get<DriftPage>(path(1000))).body);
      expect(before.length).toBeGreaterThanOrEqual(least);
      const gone = out(device(5), 'a', { closedAt: at });
      let count = 0;
      const all = await pages(api, path(2), async () => {
        if (++count > 3) return;
        await write(out(`more-${count}-${policy}`, 'a'));
        for (const index of [0, 3]) await write(out(device(index), `more-${count}`));
        // This row is closed while the pages of results are read. A page may contain the row or not.
        if (count === 1) await write(gone);
      });
      const listed = all.flatMap(keysIn);
      expect(all.length).toBeGreaterThan(1);
      expect(new Set(listed).size).toBe(listed.length);
      expect(listed).toEqual(expect.arrayContaining(before.filter((key) => key !== keysIn({ rows: [gone] })[0])));
      const after = (await api.get<DriftPage>(path(1000))).body;
      expect(keysIn(after)).not.toContain(keysIn({ rows: [gone] })[0]);
      expect(after.rows.filter((row) => row.policy === policy && row.path.startsWith('more-')).length).toBeGreaterThan(
        0,
      );
    },
  );

  it('refuses a cursor that was changed or belongs to other filters', async () => {
    const { journal } = api.world;
    const rows = ['a', 'b'].map((path) =>
      driftRow('tampered', new Date().toISOString(), { policy: 'tampered', path, outcome: 'audited' }),
    );
    await journal.write('tampered', rows, await journal.read('tampered'));
    const { cursor = '' } = (await api.get<OpenPage>('drift/open?limit=1&policy=tampered')).body;
    const parts = JSON.parse(Buffer.from(cursor, 'base64url').toString()) as string[];
    const forged = parts.map((part, index) =>
      Buffer.from(JSON.stringify(parts.with(index, `${part}0`))).toString('base64url'),
    );
    for (const query of [
      `cursor=${cursor}`,
      `deviceId=tampered&cursor=${cursor}`,
      `policy=other&cursor=${cursor}`,
      ...forged.map((text) => `policy=tampered&cursor=${text}`),
    ]) {
      const { status, body } = await api.get<ProblemAnswer>(`drift/open?${query}`);
      expect([query, status, body.parameter]).toEqual([query, 400, 'cursor']);
    }
    const next = await api.get<OpenPage>(`drift/open?limit=1&policy=tampered&cursor=${cursor}`);
    expect([next.status, next.body.rows.length]).toEqual([200, 1]);
  });

  it.each([
    ['limit=0', 'limit'],
    ['kind=custom', 'kind'],
    ['policy=A', 'policy'],
    ['cursor=x', 'cursor'],
  ])('refuses %s', async (query, parameter) => {
    const { status, body } = await api.get<ProblemAnswer>(`drift/open?${query}`);
    expect([status, body.parameter]).toEqual([400, parameter]);
  });
});
