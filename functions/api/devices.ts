import { policyHash } from '../../shared/policy/index.ts';
import { type DeviceResult, workForDevice } from '../../shared/reconcile/index.ts';
import type { App } from '../compose.ts';
import type { DeviceAnswer, OpenRow, ReconcileAnswer } from './answers.ts';
import { compareDevice } from './compare-device.ts';
import { readDeviceThen, readVerification } from './device-then.ts';
import { endpoint } from './http/endpoint.ts';
import { ApiProblem, hubProblem } from './http/problem.ts';
import { createRateLimit } from './http/rate-limit.ts';
import { shareRunning } from './http/share-running.ts';
import { pastTime } from './http/time-range.ts';
import { toOpenRow } from './open-row.ts';
import * as parameter from './parameter-schemas.ts';

/**
 * Number of devices that one instance reads from the hub at once, and per minute, for all requests together. A comparison of one device
 * takes about three hub calls and six messages of the hub's daily quota. At this rate all requests of a day take at most about an eighth of
 * the quota of one S1 unit.
 */
const devicesAtOnce = 60;
const devicesPerMinute = 6;

const lastRows = 50;
/** The largest number of open rows that is read for one device. A device cannot have so many: a policy has only a few dozen properties. */
const maxOpenRows = 1000;

/** Creates the endpoints `GET /api/devices/{deviceId}` and `POST /api/devices/{deviceId}/reconcile`. */
export function deviceEndpoints(app: App) {
  const { actions, history, hub, policies, now } = app;
  const rate = createRateLimit({ burst: devicesAtOnce, perMinute: devicesPerMinute, now });

  /** Compares a device. Requests at the same time for one device share the hub calls. */
  const compare = shareRunning(async (deviceId) => {
    rate.take();
    // Events go first: a person who looks at devices must not delay repairs.
    return compareDevice(deviceId, { policies, hub: hub.lane('sweep'), now });
  });

  async function openRows(deviceId: string): Promise<readonly OpenRow[]> {
    return (await history.open({ deviceId }, maxOpenRows)).rows.map(toOpenRow);
  }

  const device = endpoint('device', {
    summary:
      'A device: its policies, its twins compared with the baseline now, its open drift, its last 50 history rows, and when it was last ' +
      'looked at. With `at`: the policies that were in force then, and what was out of line.',
    path: { deviceId: parameter.deviceId },
    query: { at: parameter.at },
    answers: { 200: { schema: 'Device' } },
    async handle({ path: { deviceId }, query: { at } }) {
      if (at !== undefined) {
        return { jsonBody: await readDeviceThen(app, deviceId, pastTime('at', at, now())) };
      }
      const [comparison, open, { rows }] = await Promise.all([
        compare(deviceId),
        openRows(deviceId),
        history.page({ deviceId }, lastRows),
      ]);
      if (comparison === undefined && rows.length === 0) throw noDevice(deviceId);
      const {
        device: { tags, edge },
        ...compared
      } = comparison ?? { device: { tags: {}, edge: false }, at: now().toISOString(), policies: [], modules: [] };
      const exists = comparison !== undefined;
      const names = new Set<string>(compared.policies);
      const applying = policies.all.filter(({ name }) => names.has(name));
      const versions = applying.map((policy) => ({ policy: policy.name, version: policyHash(policy) }));
      const verification = await readVerification(app, deviceId, versions, now().toISOString());
      return {
        jsonBody: { deviceId, exists, edge, tags, ...compared, open, rows, ...verification } satisfies DeviceAnswer,
      };
    },
  });

  const reconcile = endpoint('device-reconcile', {
    summary: 'Checks a device now and repairs its drift, as an event or a sweep would.',
    path: { deviceId: parameter.deviceId },
    query: { reason: parameter.reason },
    answers: { 200: { schema: 'Reconciled' } },
    // Seconds. The request may have to wait for the hub's call budget. The work continues after the deadline, which is safe: the reconciler
    // writes no history row twice.
    deadline: 150,
    async handle({ path: { deviceId }, query: { reason = '' }, caller, context }) {
      rate.take();
      const answer = await hub.readTwin(deviceId, '');
      if (!answer.ok) throw answer.problem.type === 'gone' ? noDevice(deviceId) : hubProblem(answer.problem);
      const started = now().toISOString();
      const work = workForDevice(policies, deviceId, { version: 0, at: started, exact: false });
      const [result] = await actions.record(
        { action: 'reconcile', by: caller, target: { deviceId }, reason },
        () => app.reconcilerFor(context).reconcile([work], 'manual'),
        describeResult,
      );
      const [open, { rows }] = await Promise.all([openRows(deviceId), history.page({ deviceId }, maxOpenRows)]);
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

/** What a reconcile did, in one sentence for the record of actions. */
function describeResult([result]: readonly DeviceResult[]): string {
  const { found = 0, changed = 0, deferred } = result ?? {};
  return `Drifts found: ${found}. Properties and modules repaired: ${changed}.${deferred === undefined ? '' : ' Some repairs were put off.'}`;
}

function noDevice(deviceId: string): ApiProblem {
  return new ApiProblem('notFound', `There is no device ${JSON.stringify(deviceId)} in the hub or in the history.`, {
    parameter: 'deviceId',
  });
}
