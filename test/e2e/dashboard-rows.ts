/** A history row, an empty summary and a healthy app, as the API answers them. */
import type { FleetAnswer, HealthDetails, SummaryAnswer } from '../../functions/api/answers.ts';
import type { DriftRow } from '../../shared/drift/index.ts';

const minute = 60_000;

/** Makes a history row. By default, it was detected half an hour before now, plus `number` seconds. */
export function row(number: number, more: Partial<DriftRow> = {}): DriftRow {
  const at = more.detectedAt ?? new Date(Date.now() - 30 * minute + number * 1000).toISOString();
  return {
    v: 1,
    hub: 'hub',
    rowKey: `row!${number}`,
    deviceId: `device-${number}`,
    moduleId: 'agent',
    policy: 'agents',
    path: 'Interval',
    kind: 'wrongValue',
    expected: 1,
    actual: 2,
    write: { version: 2, at, exact: true },
    mode: 'enforce',
    detectedAt: at,
    source: 'event',
    outcome: 'enforced',
    outcomeAt: at,
    ...more,
  };
}

/** A summary without drifts. The server adds the time range of the request. */
export const noSummary: Omit<SummaryAnswer, 'from' | 'to' | 'bucket'> = {
  buckets: [],
  total: 0,
  onboarding: { total: 0, byPolicy: {}, byKind: {}, byOutcome: {} },
  topDevices: [],
  topProperties: [],
  compliance: [],
  fleet: [],
};

/** The compliance of a fleet, as the API answers it. */
export function fleetOf(devices: number, outOfLine: number): FleetAnswer {
  const compliant = devices - outOfLine;
  return {
    devices,
    devicesCountedAt: new Date(Date.now() - 5 * minute).toISOString(),
    isExact: true,
    outOfLine,
    compliant,
    percent: devices === 0 ? null : Math.floor((10_000 * compliant) / devices) / 100,
  };
}

/** The health of an app that works. The last event came a minute ago. */
export function wellHealth(): HealthDetails {
  const part = { ok: true, detail: '' };
  return {
    status: 'healthy',
    checkedAt: new Date().toISOString(),
    checks: { settings: part, hub: part, storage: part, configurations: part },
    problems: [],
    state: {
      version: '1.0.0',
      mode: 'enforce',
      policies: 'hash',
      deadLetters: 0,
      deferred: 0,
      lastEventAt: new Date(Date.now() - minute).toISOString(),
      lastSweepEndedAt: new Date(Date.now() - 5 * minute).toISOString(),
      calls: {},
      throttled: {},
      messagesUsed: 1234,
      released: [],
      competing: [],
    },
  };
}
