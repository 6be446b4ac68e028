import { describe, expect, it } from 'vitest';
import type { HealthDetails } from '../../../../functions/api/answers.ts';
import type { Compliance } from '../../../../infra/cli/commands/compliance.ts';
import { renderCompliance } from '../../../../infra/cli/view/compliance-view.ts';
import type { SweepRow } from '../../../../shared/sweep/store/index.ts';

describe('the status on a terminal', () => {
  const now = new Date('2026-11-22T05:00:00Z');
  const sweep: SweepRow = {
    v: 1,
    id: 's',
    trigger: 'timer',
    startedAt: '2026-11-22T04:44:00Z',
    endedAt: '2026-11-22T04:45:00Z',
    state: 'done',
    resumed: 0,
    examined: 12,
    found: 3,
    changed: 2,
    hubCalls: 1234,
    deferred: 0,
    waiting: 0,
    alreadyQueued: 0,
    heldBack: 0,
    parts: 1,
    partsDone: 1,
    competing: ['Configuration rival competes'],
    walked: [],
    warnings: [],
  };
  const well: Compliance = {
    state: 'compliant',
    fleet: {
      devices: 3000,
      devicesCountedAt: '2026-11-22T04:44:00Z',
      isExact: true,
      outOfLine: 0,
      compliant: 3000,
      percent: 100,
    },
    policies: [{ policy: 'agents', devices: 3000, compliant: 3000, outOfLine: 0 }],
    open: { total: 0, byReason: {}, countedAt: now.toISOString() },
    lastSweep: sweep,
    deadLetters: 0,
  };

  it('is a few lines when all is compliant', () => {
    const text = renderCompliance(well, now, false);
    expect(text).toMatch(/agents +3,000 +3,000 +100\.0 % +0/);
    expect(text).toContain('done 15 min ago: 12 examined, 3 found, 2 changed, 1,234 hub calls');
    expect(text).toContain('  Configuration rival competes');
    expect(text).toMatch(/Nothing is out of line\.$/);
  });

  it('counts a device once that breaks several policies', () => {
    const fleet = { ...well.fleet, devices: 2000, outOfLine: 1995, compliant: 5, percent: 0.25 };
    const policies = [
      { policy: 'one', devices: 2000, compliant: 5, outOfLine: 1995 },
      { policy: 'two', devices: 2000, compliant: 2000, outOfLine: 0 },
    ];
    const text = renderCompliance({ ...well, state: 'outOfLine', fleet, policies }, now, false);
    expect(text).toMatch(/^Fleet +5 of 2,000 devices keep to all policies \(0\.25 %\) +counted 16 min ago\n/);
    expect(text).toMatch(/two +2,000 +2,000 +100\.0 % +0/);
  });

  it('is green only when all devices were looked at', () => {
    const fleetOf = (status: Compliance) => renderCompliance(status, now, true).split('\n')[0];
    expect(fleetOf(well)).toContain('\u001b[32m');
    const nothing = {
      devices: null,
      devicesCountedAt: null,
      isExact: null,
      outOfLine: 0,
      compliant: null,
      percent: null,
    };
    const doubtful = [
      { ...well, lastSweep: { ...sweep, waiting: 1 } },
      { ...well, fleet: nothing },
      { ...well, fleet: { ...well.fleet, isExact: false } },
      { ...well, fleet: { ...well.fleet, outOfLine: null, compliant: null, percent: null } },
    ];
    for (const status of doubtful) expect(fleetOf(status)).not.toContain('\u001b[32m');
    expect(fleetOf({ ...well, fleet: nothing })).toMatch(/not counted yet/);
    expect(fleetOf({ ...well, fleet: nothing })).not.toContain('%');
  });

  it('says what the last sweep left, and which policies look wrong', () => {
    const warning = 'The scope of the policy agents holds no device of the hub.';
    const left = { ...sweep, waiting: 1500, heldBack: 55, warnings: [warning] };
    const text = renderCompliance({ ...well, lastSweep: left }, now, false);
    expect(text).toContain('1,234 hub calls, 1,500 waiting in the queue, 55 held back and unchanged');
    expect(text).toContain(`  ${warning}`);
  });

  it('says why something is not repaired and what to do, and rounds percentages down', () => {
    const text = renderCompliance(
      {
        ...well,
        state: 'outOfLine',
        policies: [{ policy: 'agents', devices: 1_000_000, compliant: 999_999, outOfLine: 1 }],
        open: { ...well.open, total: 3, byReason: { 'heldBack: blastRadius': 2, failed: 1 } },
        deadLetters: 4,
      },
      now,
      false,
    );
    expect(text).toContain('99.9 %');
    expect(text).toMatch(/2 +heldBack: blastRadius +.*twinkeeper release POLICY/);
    expect(text).toMatch(/Dead letters +4, which "twinkeeper dead-letters" lists/);
    expect(text).toMatch(/Something is out of line\.$/);
  });

  it('does not call a fleet compliant before the first sweep', () => {
    const { lastSweep: _, ...rest } = well;
    const text = renderCompliance(
      { ...rest, state: 'unknown', policies: [{ policy: 'agents', outOfLine: 0 }] },
      now,
      false,
    );
    expect(text).toMatch(/agents +not counted/);
    expect(text).toMatch(/Compliance is unknown: no sweep.*"twinkeeper sweep" asks for one\.$/);
  });

  it('shows the health of the running app, and what is wrong with it', () => {
    const ok = { ok: true, detail: 'fine' };
    const checks = {
      settings: ok,
      hub: { ok: false, detail: 'my-hub: 401 Unauthorized' },
      storage: ok,
      configurations: ok,
    };
    const text = (health: HealthDetails) => renderCompliance({ ...well, health }, now, false);
    expect(text({ status: 'healthy' })).toMatch(/^Twinkeeper +works$/m);
    expect(text({ status: 'unknown' })).toMatch(/^Twinkeeper +not known/m);
    expect(text({ status: 'unhealthy', checks })).toMatch(/^Twinkeeper +does not work\n {2}my-hub: 401 Unauthorized$/m);
    expect(renderCompliance(well, now, false)).toMatch(/^Twinkeeper +not known: it has not stored how it is$/m);
  });

  it('shows each problem with what to do, whether the app or storage tells it', () => {
    const late = { code: 'sweepOverdue', severity: 'ill', sentence: 'No \u001b[31msweep.', advice: 'Look.' } as const;
    const lifted = { code: 'limitLifted', severity: 'warning', sentence: 'Lifted.', advice: 'Wait.' } as const;
    const audit = { code: 'auditMode', severity: 'information', sentence: 'Audit.', advice: 'Enforce.' } as const;
    const text = renderCompliance({ ...well, problems: [late, lifted, audit] }, now, false);
    expect(text).toMatch(
      /^Twinkeeper +does not work\n {2}ill: No \S*\[31msweep\.\n {4}Look\.\n {2}warning: Lifted\.\n {4}Wait\.\n {2}note: Audit\.\n {4}Enforce\.$/m,
    );
    expect(text).not.toContain('\u001b');
    expect(renderCompliance({ ...well, problems: [lifted] }, now, false)).toMatch(
      /^Twinkeeper +works, needs attention$/m,
    );
    expect(renderCompliance({ ...well, problems: [audit] }, now, false)).toMatch(/^Twinkeeper +works$/m);
  });

  it('explains a reason without a text of its own by its outcome', () => {
    const open = { total: 5, byReason: { 'deferred: settling': 5 }, countedAt: now.toISOString() };
    expect(renderCompliance({ ...well, open }, now, false)).toMatch(/5 +deferred: settling +waits for a retry/);
  });

  it('says how old counts of many rows are, and that not all dead letters were counted', () => {
    const old = new Date(now.getTime() - 5 * 60_000).toISOString();
    const open = { total: 1_000_000, byReason: { failed: 1_000_000 }, countedAt: old };
    const text = renderCompliance({ ...well, open, deadLetters: 5000 }, now, false);
    expect(text).toMatch(/^Open drift +1,000,000 {2}counted 5 min ago$/m);
    expect(text).toMatch(/Dead letters +at least 5,000, which/);
  });
});
