import { workForDevice } from '../../shared/reconcile/index.ts';
import type { App } from '../compose.ts';
import { compareDevice } from './compare-device.ts';
import { endpoint } from './http/endpoint.ts';
import { ApiProblem, hubProblem } from './http/problem.ts';
import { toOpenRow } from './open-row.ts';
import * as parameter from './parameters.ts';
import type { DeviceAnswer, OpenRow, ReconcileAnswer } from './shapes.ts';

const lastRows = 50;
/** A policy has a few dozen properties; a device cannot be out of line in more ways than this. */
const mostOpen = 1000;

/** `GET /api/devices/{deviceId}` and `POST /api/devices/{deviceId}/reconcile`. */
export function deviceEndpoints(app: App) {
  const { history, hub, policies, now } = app;

  async function openRows(deviceId: string): Promise<readonly OpenRow[]> {
    return (await history.open({ deviceId }, mostOpen)).rows.map(toOpenRow);
  }

  const device = endpoint('device', {
    summary:
      'A device: its policies, its twins as they are now beside the baseline, what is out of line, and its last 50 rows.',
    path: { deviceId: parameter.deviceId },
    answers: { 200: { schema: 'Device' } },
    async handle({ path: { deviceId } }) {
      const [comparison, open, { rows }] = await Promise.all([
        compareDevice(deviceId, app),
        openRows(deviceId),
        history.page({ deviceId }, lastRows),
      ]);
      if (comparison === undefined && rows.length === 0) throw noDevice(deviceId);
      const {
        device: { tags, edge },
        ...compared
      } = comparison ?? { device: { tags: {}, edge: false }, at: now().toISOString(), policies: [], modules: [] };
      const exists = comparison !== undefined;
      return { jsonBody: { deviceId, exists, edge, tags, ...compared, open, rows } satisfies DeviceAnswer };
    },
  });

  const reconcile = endpoint('device-reconcile', {
    summary: 'Looks at a device now, and mends what is out of line as an event or a sweep would.',
    path: { deviceId: parameter.deviceId },
    answers: { 200: { schema: 'Reconciled' } },
    // It may wait for the hub's budget, and writes nothing twice if it goes on after whoever asked has gone.
    deadline: 150,
    async handle({ path: { deviceId }, context }) {
      const answer = await hub.readTwin(deviceId, '');
      if (!answer.ok) throw answer.problem.type === 'gone' ? noDevice(deviceId) : hubProblem(answer.problem);
      const started = now().toISOString();
      const work = workForDevice(policies, deviceId, { version: 0, at: started, exact: false });
      const [result] = await app.reconcilerFor(context).reconcile([work], 'manual');
      const [open, { rows }] = await Promise.all([openRows(deviceId), history.page({ deviceId }, mostOpen)]);
      return {
        jsonBody: {
          deviceId,
          status: result?.deferred === undefined ? 'done' : 'putOff',
          found: result?.found ?? 0,
          changed: result?.changed ?? 0,
          rows: rows.filter(({ outcomeAt, closedAt }) => outcomeAt >= started || (closedAt ?? '') >= started),
          open,
        } satisfies ReconcileAnswer,
      };
    },
  });

  return { device, 'device-reconcile': reconcile };
}

function noDevice(deviceId: string): ApiProblem {
  return new ApiProblem('notFound', `Neither the hub nor the history knows a device ${JSON.stringify(deviceId)}.`, {
    parameter: 'deviceId',
  });
}
