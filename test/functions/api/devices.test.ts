import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ComparedModule, DeviceAnswer, ProblemAnswer, ReconcileAnswer } from '../../../functions/api/answers.ts';
import { policies } from '../../support/fixture-policies.ts';
import { newDeviceId } from '../../support/world.ts';
import { type Api, startApi } from './api-host.ts';

let api: Api;
beforeAll(async () => {
  api = await startApi();
});
afterAll(() => api?.close());

const agent = 'DefenderIotMicroAgent';
const pathOf = (deviceId: string) => `devices/${encodeURIComponent(deviceId)}`;
const driftIn = ({ properties }: ComparedModule) =>
  properties.filter(({ ok }) => !ok).map(({ path, kind, expected, actual }) => [path, kind, expected, actual]);
const moduleOf = ({ modules }: DeviceAnswer, moduleId: string) =>
  modules.find((module) => module.moduleId === moduleId) as ComparedModule;

describe('GET /api/devices/{deviceId}', () => {
  it.each(['plain', "we#ird?%2F%41+'*(x),:=@$!", '..x', '-', '%', 'a%25b', 'a+b'])(
    'shows the policies, the twins and the history of a device named %s',
    async (deviceId) => {
      await api.addDevice(deviceId);
      const { status, body } = await api.get<DeviceAnswer>(pathOf(deviceId));
      expect([status, body.deviceId, body.exists]).toEqual([200, deviceId, true]);
      expect(body.policies).toEqual(policies.map(({ name }) => name));
      expect(body.modules.map((module) => [module.moduleId, module.exists, driftIn(module)])).toEqual([
        ['azureiotsecurity', true, []],
        [agent, true, []],
      ]);
      expect(body.open).toEqual([]);
      expect(body.rows.map(({ kind, outcome }) => [kind, outcome])).toEqual([
        ['missingModule', 'created'],
        ['missingModule', 'created'],
      ]);
      expect(moduleOf(body, agent).desired).toEqual(await api.world.desiredOf(deviceId, agent));
    },
  );

  it('compares the policies with the twin as it is now, not with the history', async () => {
    const deviceId = await api.addDevice();
    api.disturb(deviceId, { Process_Disabled: true, Process_Mode: null, Mine: 1 });
    api.world.hub.registry.delete({ deviceId, moduleId: 'azureiotsecurity' }, '*');
    const { body } = await api.get<DeviceAnswer>(pathOf(deviceId));
    const wrong = driftIn(moduleOf(body, agent));
    expect(wrong).toEqual([
      ['Process_Disabled', 'wrongValue', false, true],
      ['Process_Mode', 'missingProperty', 1, undefined],
    ]);
    expect(moduleOf(body, agent).properties).toContainEqual({
      policy: 'defender-micro-agent',
      path: 'Process_Disabled',
      rule: 'exactly false',
      expected: false,
      actual: true,
      ok: false,
      kind: 'wrongValue',
    });
    expect(moduleOf(body, agent).desired).toMatchObject({ Mine: 1 });
    const missing = moduleOf(body, 'azureiotsecurity');
    expect(missing).toMatchObject({ exists: false, policies: ['azureiotsecurity'] });
    expect(missing.properties[0]).toMatchObject({ path: '', kind: 'missingModule', rule: 'the module exists' });
    expect(missing.properties.every(({ ok, kind }) => !ok && kind === 'missingModule')).toBe(true);
    expect(body.rows).toHaveLength(2);
    await api.keeping.settle();
  });

  it('shows the history of a device that was deleted from the hub', async () => {
    const deviceId = await api.addDevice();
    api.world.hub.registry.delete({ deviceId }, '*');
    await api.keeping.settle();
    const { status, body } = await api.get<DeviceAnswer>(pathOf(deviceId));
    expect([status, body.exists, body.modules, body.rows.length]).toEqual([200, false, [], 2]);
  });

  it('answers 404 for a device that neither the hub nor the history knows', async () => {
    const { status, type, body } = await api.get<ProblemAnswer>('devices/nobody');
    expect([status, type]).toEqual([404, 'application/problem+json']);
    expect(body).toMatchObject({ parameter: 'deviceId', detail: expect.stringContaining('"nobody"') });
    // Azure Functions leaves %2F in a route parameter encoded. A device id may contain these three characters.
    expect((await api.get<ProblemAnswer>('devices/a%2Fb')).status).toBe(404);
  });

  it.each(['devices/a%20b', 'devices/%3Cscript%3E', `devices/${'x'.repeat(129)}`])(
    'refuses %s, because it contains no valid device id',
    async (path) => {
      const { status, body } = await api.get<ProblemAnswer>(path);
      expect([status, body.parameter]).toEqual([400, 'deviceId']);
    },
  );
});

describe('POST /api/devices/{deviceId}/reconcile', () => {
  it('repairs the drift of a device and reports the outcomes', async () => {
    const deviceId = await api.addDevice(newDeviceId('who#?'));
    api.disturb(deviceId, { Process_Disabled: true });
    api.world.hub.registry.delete({ deviceId, moduleId: 'azureiotsecurity' }, '*');
    const { status, body } = await api.post<ReconcileAnswer>(`${pathOf(deviceId)}/reconcile`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ deviceId, status: 'done', found: 2, changed: 2, open: [] });
    expect(body.rows.map(({ kind, source, outcome }) => `${kind} ${source} ${outcome}`).toSorted()).toEqual([
      'missingModule manual created',
      'wrongValue manual enforced',
    ]);
    expect(await api.world.desiredOf(deviceId, agent)).toMatchObject({ Process_Disabled: false });
    // The events of these changes add no further rows. The events and the request report the same drift, which gets only one row.
    await api.keeping.settle();
    expect(await api.world.history(deviceId)).toHaveLength(4);
  });

  it('finds nothing on a compliant device', async () => {
    const deviceId = await api.addDevice();
    const { body } = await api.post<ReconcileAnswer>(`${pathOf(deviceId)}/reconcile`);
    expect(body).toEqual({ deviceId, status: 'done', found: 0, changed: 0, rows: [], open: [] });
  });

  it('answers 404 for an unknown device', async () => {
    const { status, body } = await api.post<ProblemAnswer>('devices/nobody/reconcile');
    expect([status, body.parameter]).toEqual([404, 'deviceId']);
  });
});
