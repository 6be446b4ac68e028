import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderScreen, type Screen } from '../../../../infra/cli/view/screen.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';

const row: DriftRow = {
  v: 1,
  hub: 'hub',
  rowKey: 'row',
  deviceId: "o'brien@$gate:1!-0004",
  moduleId: 'azureiotsecurity',
  policy: 'azureiotsecurity',
  path: 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration.eventPriorityLogin.value',
  kind: 'wrongValue',
  expected: 'High',
  actual: 'Sometimes',
  write: { version: 2, at: '2026-01-01T00:00:00.000Z', exact: true },
  mode: 'enforce',
  detectedAt: '2026-01-01T00:00:00.000Z',
  source: 'event',
  outcome: 'enforced',
  outcomeAt: '2026-01-01T12:34:56.000Z',
};

const screen: Screen = {
  figures: {
    ...{ devices: 20, counted: 20, compliant: 19, recorded: 5, repaired: 3, heldBack: 1 },
    callsPerMinute: { twinRead: 3, bulk: 1, query: 0 },
  },
  rows: Array.from({ length: 60 }, () => row),
  addresses: ['hub        https://localhost:1234  (trust /a/rather/long/path/to/the/certificate/authority/ca.pem)'],
  notice: 'The function host ended with signal SIGKILL. Starting it again.',
};

describe('the live view', () => {
  it('shows the fleet, the drifts with their values, the calls and the addresses', () => {
    const text = renderScreen(screen, { columns: 160, lines: 30 }, false);
    expect(text).toContain('20 devices, 19 compliant (95 %)');
    expect(text).toContain('5 recorded, 3 repaired, 1 held back');
    expect(text).toMatch(
      /12:34:56 +o'brien@\$gate:1!-0004 +azureiotsecurity +eventPriorityLogin\.value +"Sometimes" → "High" +enforced/,
    );
    expect(text).toContain('4 a minute: 3 twinRead, 1 bulk');
    expect(text).toContain('https://localhost:1234');
    expect(text).toContain('Starting it again.');
  });

  it('shows outcomes that are not the work of Twinkeeper in grey', () => {
    const rows = (['enforced', 'healed', 'superseded', 'gone', 'retired', 'failed'] as const).map((outcome) => ({
      ...row,
      outcome,
    }));
    const text = renderScreen({ ...screen, rows }, { columns: 160, lines: 30 }, true);
    for (const outcome of ['healed', 'superse…', 'gone', 'retired']) expect(text).toContain(`\u001b[2m${outcome}`);
    expect(text).toContain('\u001b[32menforced');
    expect(text).toContain('\u001b[31mfailed');
  });

  it('is not green, and says no percentage, before a device was looked at', () => {
    const figures = { ...screen.figures, counted: 0, compliant: 0 };
    const text = renderScreen({ ...screen, figures, rows: [] }, { columns: 160, lines: 30 }, true);
    expect(text).toContain('20 devices, not counted yet');
    for (const wrong of ['\u001b[32m', '%']) expect(text).not.toContain(wrong);
  });

  it('fits the terminal, whatever its size', () => {
    fc.assert(
      fc.property(fc.integer({ min: 41, max: 250 }), fc.integer({ min: 15, max: 80 }), (columns, lines) => {
        const drawn = stripVTControlCharacters(renderScreen(screen, { columns, lines }, true)).split('\n');
        expect(drawn.length).toBeLessThanOrEqual(lines);
        for (const line of drawn) expect(line.length, line).toBeLessThanOrEqual(columns);
      }),
    );
  });

  it('has no escape sequence without colour', () => {
    expect(renderScreen(screen, { columns: 100, lines: 30 }, false)).not.toContain('\u001b');
  });
});
