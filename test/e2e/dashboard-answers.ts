/** Answers of the API that fill every part of the dashboard: drift with a long course, open rows, actions, dead letters, and devices. */
import type {
  DeadLettersPage,
  DeviceAnswer,
  DriftPage,
  FoundDevicesAnswer,
  OpenPage,
  PoliciesAnswer,
  ShownAction,
  ShownActions,
  SummaryAnswer,
} from '../../functions/api/answers.ts';
import type { DriftRow } from '../../shared/drift/index.ts';
import { fleetOf, noSummary, row, wellHealth } from './dashboard-rows.ts';

const minute = 60_000;
const ago = (minutes: number) => new Date(Date.now() - minutes * minute).toISOString();

export const limitReason = 'limit: the policy has overwritten 20 of 100 twins in this hour';

/** A row that was held back twice for one reason, released by an operator, and repaired. */
export function storyRow(): DriftRow {
  return row(40, {
    v: 2,
    hub: 'my-hub.azure-devices.net',
    deviceId: 'press-01',
    rowKey: 'story',
    path: 'Process_MessageFrequency',
    expected: 'Medium',
    actual: 'Never',
    detectedAt: ago(20),
    operationTimestamp: ago(20.05),
    correlationId: '3f1c0b5e-9f6e-4f0a-8d6c-2b1a7c9d4e11',
    write: { version: 7, at: ago(20.05), exact: true },
    policyVersion: 'q3Jx81Lk02ZbVt5a',
    appVersion: '1.4.0',
    outcome: 'enforced',
    outcomeAt: ago(13),
    transitions: [
      { at: ago(20), outcome: 'heldBack', by: 'event', reason: limitReason },
      { at: ago(19), outcome: 'deferred', by: 'sweep', reason: 'the hub throttles calls' },
      { at: ago(18), outcome: 'heldBack', by: 'sweep', reason: limitReason, times: 3, lastAt: ago(15) },
      { at: ago(13), outcome: 'enforced', by: 'sweep' },
    ],
  });
}

export const actionsOf = (): readonly ShownAction[] => [
  {
    at: ago(14),
    action: 'release',
    by: { type: 'user', name: 'ada@example.com', id: 'b8e1' },
    target: { policy: 'agents' },
    reason: 'change 4711: new login policy',
    result: 'done',
  },
  {
    at: ago(60),
    action: 'reconcile',
    by: { type: 'key', key: 'master' },
    target: { deviceId: 'press-07' },
    reason: '',
    result: 'failed',
  },
  {
    at: ago(200),
    action: 'sweep',
    by: { type: 'commandLine', user: 'ada', host: 'build-7' },
    target: {},
    reason: 'after the outage',
    result: 'started',
  },
  { at: ago(900), action: 'mode', by: { type: 'app' }, target: { policy: 'agents' }, reason: '', result: 'done' },
];

const onboardingOf = (total: number) => ({
  total,
  byPolicy: { agents: total },
  byKind: { missingModule: total },
  byOutcome: { enforced: total },
});

const complianceAt = (at: string, compliant: number) => ({
  at,
  devices: 100,
  compliant,
  meanPercent: compliant - 0.4,
  minPercent: compliant - (compliant % 5),
  countedMinutes: 60,
});

function summary(): Omit<SummaryAnswer, 'from' | 'to' | 'bucket'> {
  const hourStart = (hours: number) => {
    const at = new Date(Date.now() - hours * 60 * minute);
    at.setUTCMinutes(0, 0, 0);
    return at.toISOString();
  };
  const counts = [3, 5, 2, 14, 8, 4, 0, 6, 3, 9, 12, 5];
  return {
    ...noSummary,
    total: counts.reduce((sum, count) => sum + count, 0),
    buckets: counts.flatMap((total, index) =>
      total === 0
        ? []
        : [
            {
              from: hourStart(24 - index * 2),
              total,
              byPolicy: { agents: total - 1, cameras: 1 },
              byKind: { wrongValue: total - 1, missingModule: 1 },
              byOutcome: { enforced: total - 1, heldBack: 1 },
              onboarding: onboardingOf(index === 3 ? 6 : 0),
            },
          ],
    ),
    topDevices: Array.from({ length: 10 }, (_, index) => ({ deviceId: `press-${index}`, count: 12 - index })),
    topProperties: ['Process_MessageFrequency', 'Login_UsePAM', 'Statistics_CacheSize', ''].map((path, index) => ({
      policy: 'agents',
      path,
      count: 30 - index * 7,
    })),
    timeToEnforcedMs: { p50: 850, p99: 12_400 },
    onboarding: onboardingOf(6),
    compliance: Array.from({ length: 24 }, (_, index) =>
      ['agents', 'cameras'].map((policy) => ({ policy, ...complianceAt(hourStart(24 - index), 90 + (index % 7)) })),
    ).flat(),
    fleet: Array.from({ length: 24 }, (_, index) => complianceAt(hourStart(24 - index), 86 + (index % 7))),
  };
}

/** The answers by path. The times are relative to now. */
export function fullAnswers(): Record<string, unknown> {
  const outcomes = ['enforced', 'heldBack', 'failed', 'created', 'audited', 'deferred', 'healed', 'pending'] as const;
  const rows = [
    storyRow(),
    ...outcomes.map((outcome, index) => row(30 - index, { deviceId: `press-0${index + 2}`, outcome })),
  ];
  const open = (index: number, more = {}) => ({
    ...row(index, { outcome: 'heldBack', deviceId: `press-${index}`, ...more }),
    why: { state: 'heldBack' as const, reason: limitReason },
  });
  const held = Array.from({ length: 12 }, (_, index) => open(index + 10));
  const contested = {
    ...open(3),
    why: { state: 'contested' as const, reason: 'contested: somebody keeps changing it back' },
  };
  return {
    drift: { rows } satisfies DriftPage,
    'drift/open': { rows: [...held, contested] } satisfies OpenPage,
    policies: {
      policies: ['agents', 'cameras'].map((name) => ({
        name,
        module: 'agent',
        mode: name === 'agents' ? 'enforce' : 'audit',
        createModule: true,
        properties: [],
        evaluates: false,
        devices: 100,
        openDevices: name === 'agents' ? 13 : 0,
        compliant: name === 'agents' ? 87 : 100,
      })),
      fleet: fleetOf(120, 13),
      open: { total: 13, byReason: { heldBack: 13 } },
      openCountedAt: ago(0),
    } satisfies PoliciesAnswer,
    summary: summary(),
    actions: { actions: actionsOf() } satisfies ShownActions,
    sweeps: { sweeps: [] },
    'health/details': wellHealth(),
    'dead-letters': {
      letters: ['press-1', 'press-2', 'press-3', 'press-4'].map((deviceId, index) => ({
        id: String(index),
        at: ago(30 + index),
        reason: index < 3 ? 'the retries ended: the hub answered 503' : 'the event cannot be read',
        deviceId,
      })),
      countedOnly: [],
    } satisfies DeadLettersPage,
    devices: {
      devices: ['press-01', 'press-02', 'express-7'].map((deviceId) => ({ deviceId })),
      searched: { by: 'query', read: 3, complete: true },
    } satisfies FoundDevicesAnswer,
    'devices/press-01': {
      deviceId: 'press-01',
      exists: true,
      edge: false,
      tags: { site: 'north', line: 3 },
      verified: [{ policy: 'agents', at: ago(12), how: 'sweepQuery', module: { at: ago(12), how: 'sweepCount' } }],
      lastVerifiedAt: ago(12),
      at: ago(0),
      policies: ['agents'],
      modules: [
        {
          moduleId: 'agent',
          exists: true,
          policies: ['agents'],
          properties: [
            { policy: 'agents', path: 'Fine', rule: 'exactly 1', expected: 1, actual: 1, ok: true },
            {
              policy: 'agents',
              path: 'Interval',
              rule: 'exactly 1',
              expected: 1,
              actual: 2,
              ok: false,
              kind: 'wrongValue',
            },
          ],
        },
      ],
      open: [open(1, { deviceId: 'press-01' }), open(2, { deviceId: 'press-01', path: 'Another' })],
      rows,
    } satisfies DeviceAnswer,
  };
}
