/** A report with everything in it: two policies, gaps in the counts, a change of a policy, eventful departures, actions, seals, hostile texts. */
import { complianceSpans, type HourCompliance } from '../../../../infra/cli/report/compliance-spans.ts';
import { DepartureTally } from '../../../../infra/cli/report/departure-tally.ts';
import type { Report } from '../../../../infra/cli/report/report.ts';
import type { ActionRecord } from '../../../../shared/actions/index.ts';
import { type DriftRow, stateAt } from '../../../../shared/drift/index.ts';
import { definePolicy, definitionText, policyHash, toPolicySet } from '../../../../shared/policy/index.ts';
import type { JsonObject } from '../../../../shared/twin/index.ts';
import { driftRow } from '../../../support/drift-rows.ts';
import { policies } from '../../../support/fixture-policies.ts';

const range = { from: '2026-10-28T00:00:00.000Z', to: '2026-11-27T07:00:00.000Z' };
const hour = 3_600_000;
const start = Date.parse(range.from);

/** A text that would be markup, and would turn the text after it around. */
export const hostile = '<img src=x onerror=alert(1)>\u202e"\'&';

const [agent] = toPolicySet(policies, { mode: 'enforce' }).all.filter(({ name }) => name === 'defender-micro-agent');
const site = definePolicy({
  name: 'site-limits',
  description: `Limits of the site ${hostile}`,
  appliesTo: { tags: { environment: ['production', hostile] }, deviceId: 'press-*' },
  desired: { limits: { temperature: 80, [hostile]: 1 } } as never,
});
const newSite = definePolicy({ ...site, desired: { limits: { temperature: 75, [hostile]: 1 } } as never });
const stored = (policy: Parameters<typeof policyHash>[0], firstSeenAt: string) => ({
  version: policyHash(policy),
  firstSeenAt,
  appVersion: '0.1.0',
  definition: JSON.parse(definitionText(policy)) as JsonObject,
});

/** The compliance of some hours, with a dip, and without the days from the sixth to the eighth. */
function hours(policy: string, devices: number): readonly HourCompliance[] {
  return Array.from({ length: Math.ceil((Date.parse(range.to) - start) / hour) }, (_, index): HourCompliance => {
    const wrong = index % 37 === 0 ? 9 : index > 400 && index < 430 ? 160 : index % 3;
    return { at: new Date(start + index * hour).toISOString(), policy, devices, compliant: devices - wrong };
  }).filter((_, index) => index < 120 || index >= 190);
}

const time = (hours: number, minutes = 0) => new Date(start + hours * hour + minutes * 60_000).toISOString();

/** Departures, newest first. */
function sampleRows(count: number): readonly DriftRow[] {
  const paths = ['Process_Disabled', 'Login_UsePAM', 'CollectorsCore_PriorityIntervals', 'NetworkActivity_CacheSize'];
  return Array.from({ length: count }, (_, index): DriftRow => {
    const detectedAt = time(10 + ((count - index) * 600) / count, index % 50);
    const common = {
      hub: 'plant-north.azure-devices.net',
      moduleId: 'DefenderIotMicroAgent',
      policy: 'defender-micro-agent',
      path: paths[index % paths.length] ?? '',
      expected: index % 4 === 0 ? false : 'Medium',
      actual: index % 4 === 0 ? true : 'Sometimes',
      write: { version: index + 2, at: detectedAt, exact: true },
    } as const;
    const later = (minutes: number) => new Date(Date.parse(detectedAt) + minutes * 60_000).toISOString();
    const id = `press-${String(index % 400).padStart(5, '0')}`;
    if (index % 31 === 0) {
      const reason = 'blastRadius: 20 % of the devices were changed within an hour';
      return driftRow(id, detectedAt, {
        ...common,
        outcomeAt: later(7),
        transitions: [
          { at: later(0), outcome: 'heldBack', reason, by: 'event', times: 3, lastAt: later(5) },
          { at: later(6), outcome: 'pending', by: 'sweep' },
          { at: later(7), outcome: 'enforced', by: 'sweep' },
        ],
      });
    }
    if (index % 47 === 0) {
      const error = `refused: the hub answered 400 ${hostile}`;
      return driftRow(id, detectedAt, {
        ...common,
        path: hostile,
        actual: hostile,
        outcome: 'failed',
        outcomeAt: later(30),
        error,
      });
    }
    if (index % 53 === 0) {
      return driftRow(`${hostile}-${index}`, detectedAt, {
        ...common,
        policy: 'site-limits',
        moduleId: '',
        path: 'limits.temperature',
        mode: 'audit',
        outcome: 'audited',
        outcomeAt: later(0),
        actual: 95,
        expected: 80,
      });
    }
    return driftRow(id, detectedAt, { ...common, outcomeAt: later(1) });
  });
}

const actions: readonly ActionRecord[] = [
  {
    ...{
      v: 1,
      id: '1',
      at: time(300),
      action: 'release',
      by: { type: 'user', name: 'ada@example.com', id: '00000000-0000-0000-0000-000000000001' },
    },
    ...{
      target: { policy: 'defender-micro-agent' },
      reason: `change 4711 ${hostile}`,
      result: 'done',
      detail: '15 rows were released.',
      appVersion: '0.1.0',
    },
  },
  {
    ...{
      v: 1,
      id: '2',
      at: time(200),
      action: 'policy',
      by: { type: 'app' },
      target: { policy: 'site-limits' },
      reason: '',
    },
    ...{ result: 'started', detail: '', appVersion: '0.1.0' },
  },
];

/** Makes the report. `count` is its number of departures, of which it lists at most `mostListed`. */
export function sampleReport(count = 300, mostListed = 60, more: Partial<Report> = {}): Report {
  if (agent === undefined) throw new Error('The fixtures have no policy defender-micro-agent.');
  const rows = sampleRows(count);
  const tally = new DepartureTally(mostListed);
  for (const row of rows) tally.add(row);
  const open = rows.flatMap((row) => {
    const { outcome, since = '', reason } = stateAt(row, range.to) ?? {};
    return outcome === undefined ? [] : [{ row, outcome, since, reason }];
  });
  const [before, after] = [site, newSite].map((definition) => ({ definition }));
  if (before === undefined || after === undefined) throw new Error('unreachable');
  return {
    ...range,
    hubs: tally.hubs,
    madeAt: '2026-11-27T07:00:05.000Z',
    version: '0.1.0',
    madeBy: `auditor@build-7 ${hostile}`,
    source: 'the storage account of the app',
    isOfOnePolicy: false,
    policies: [
      {
        name: agent.name,
        versions: [stored(agent, time(-900))],
        periods: [{ since: time(-900), version: policyHash(agent), mode: 'enforce', appVersion: '0.1.0' }],
        compliance: complianceSpans(hours(agent.name, 2000), range),
      },
      {
        name: 'site-limits',
        versions: [stored(after, time(200)), stored(before, time(-900))],
        periods: [
          { since: time(-900), until: time(200), version: policyHash(before), mode: 'audit', appVersion: '0.1.0' },
          { since: time(200), version: policyHash(after), mode: 'audit', appVersion: '0.1.0' },
        ],
        compliance: complianceSpans([], range),
      },
    ],
    fleet: complianceSpans(hours('all policies', 2000), range),
    departures: tally.tally(),
    completeSince: '2026-10-29T00:00:00.000Z',
    open: {
      total: open.length,
      byOutcome: Object.fromEntries(
        [...Map.groupBy(open, ({ outcome }) => outcome)].map(([name, { length }]) => [name, length]),
      ),
      listed: open.slice(0, mostListed),
    },
    actions: { listed: actions, total: 2 },
    seals: [
      { day: '2026-11-25', manifestSha256: 'a'.repeat(64), verified: true },
      { day: '2026-11-26', manifestSha256: 'b'.repeat(64) },
    ],
    files: (['departures', 'open', 'actions', 'compliance by hour'] as const).map((content) => ({
      ...{ name: `report-${content.split(' ')[0]}.csv`, content, rows: count, sha256: 'c'.repeat(64) },
    })),
    ...more,
  };
}
