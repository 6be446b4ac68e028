import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PolicyVersionsAnswer, ProblemAnswer } from '../../../functions/api/answers.ts';
import { createPolicyVersions } from '../../../shared/evidence/index.ts';
import { definePolicy, toPolicySet } from '../../../shared/policy/index.ts';
import { type Api, startApi } from './api-host.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
  for (const size of [1, 2]) {
    const versions = createPolicyVersions(api.world.storage, () => new Date(Date.UTC(2026, 0, 10, size)));
    const policy = definePolicy({ name: 'agent', module: 'm', desired: { size, mode: 'High' } });
    await versions.record(toPolicySet([policy], { mode: 'enforce' }).all, `1.${size}.0`);
  }
});
afterAll(() => api?.close());

describe('GET /api/policies/{policy}/versions', () => {
  it('lists the definitions, newest first, and compares two of them', async () => {
    const { status, body } = await api.get<PolicyVersionsAnswer>('policies/agent/versions');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      policy: 'agent',
      versions: [
        { appVersion: '1.2.0', definition: { desired: { size: 2 } } },
        { appVersion: '1.1.0', definition: { desired: { size: 1 } } },
      ],
    });
    const [newer, older] = body.versions.map(({ version }) => version);
    const [first, second] = [1, 2].map((hour) => new Date(Date.UTC(2026, 0, 10, hour)).toISOString());
    expect(body.inForce).toEqual([
      { since: second, version: newer, mode: 'enforce', appVersion: '1.2.0' },
      { since: first, until: second, version: older, mode: 'enforce', appVersion: '1.1.0' },
    ]);
    const [after, before] = body.versions.map(({ version }) => version);
    const compared = await api.get<PolicyVersionsAnswer>(`policies/agent/versions?before=${before}&after=${after}`);
    expect(compared.body.differences).toEqual([{ path: 'desired.size', before: 1, after: 2 }]);
  });

  it.each([
    ['policies/nobody/versions', 404, undefined],
    ['policies/agent/versions?before=AAAAAAAAAAAAAAAA', 400, 'before'],
    ['policies/agent/versions?before=AAAAAAAAAAAAAAAA&after=BBBBBBBBBBBBBBBB', 400, 'before'],
    ['policies/agent/versions?before=x&after=y', 400, 'before'],
    ['policies/No/versions', 400, 'policy'],
  ])('answers %s with %s', async (path, expected, parameter) => {
    const { status, body } = await api.get<ProblemAnswer>(path);
    expect([status, body.parameter]).toEqual([expected, parameter]);
  });
});
