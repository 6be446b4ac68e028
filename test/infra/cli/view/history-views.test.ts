import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ComparedModule } from '../../../../functions/api/answers.ts';
import { type Compliance, reasonOf } from '../../../../infra/cli/commands/compliance.ts';
import { renderCompliance } from '../../../../infra/cli/view/compliance-view.ts';
import { csvLine } from '../../../../infra/cli/view/drift-csv.ts';
import { driftTable } from '../../../../infra/cli/view/drift-table.ts';
import { renderTimeline } from '../../../../infra/cli/view/timeline.ts';
import { renderTwinDiff } from '../../../../infra/cli/view/twin-diff.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import type { SweepRow } from '../../../../shared/sweep/store/index.ts';
import type { Json } from '../../../../shared/twin/index.ts';

const row: DriftRow = {
  v: 1,
  hub: 'hub',
  rowKey: 'row!1',
  deviceId: 'press-01',
  moduleId: 'agent',
  policy: 'agents',
  path: 'Process_Disabled',
  kind: 'wrongValue',
  expected: false,
  actual: true,
  write: { version: 2, at: '2026-11-22T05:10:10.9999999Z', exact: true },
  mode: 'enforce',
  detectedAt: '2026-11-22T05:10:11.000Z',
  source: 'event',
  outcome: 'enforced',
  outcomeAt: '2026-11-22T05:10:11.400Z',
};

/** What a terminal obeys, shows nowhere, or reads backwards, beside what is harmless. */
const hostile = fc.oneof(
  fc.constantFrom(
    '\u001b[2J',
    '\u009b31m',
    '\r\n',
    '\u202eevil',
    '\u200b',
    '\u0007',
    '\u001b]0;x\u0007',
    '\t',
    '\u2028',
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
);
const forbidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

const hostileRow = fc
  .record({
    deviceId: hostile,
    moduleId: hostile,
    policy: hostile,
    path: hostile,
    error: hostile,
    message: hostile,
    expected: fc.oneof(hostile, fc.dictionary(hostile, hostile)),
    actual: hostile,
  })
  .map((parts): DriftRow => ({ ...row, ...parts, expected: parts.expected as Json }));

/** What a text does to a terminal beside the colours and the lines that are ours. */
function withoutOurs(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for.
  return text.replace(/\u001b\[\d{1,2}m/g, '').replace(/\n/g, ' ');
}

describe('the table of rows', () => {
  const lines = (rows: readonly DriftRow[], place: Parameters<typeof driftTable>[0]) => {
    const table = driftTable(place, rows);
    return [table.head, ...rows.map((each) => table.row(each))];
  };

  it('says when, what came of it, where, what, and from what to what', () => {
    const [head, line] = lines([row], { colour: false });
    expect(head).toMatch(/^detected \(UTC\) +outcome +device +module +policy +property +actual → expected/);
    expect(line).toMatch(/^2026-11-22 05:10:11 +enforced +press-01 +agent +agents +Process_Disabled +true → false$/);
  });

  it('cuts nothing where there is no terminal, and stands in columns', () => {
    const long = { ...row, deviceId: 'x'.repeat(100), error: 'why so' };
    const [, first = '', second = ''] = lines([long, row], { colour: false });
    expect(first).toContain('x'.repeat(100));
    expect(first).toContain('why so');
    expect(first.indexOf('true →')).toBe(second.indexOf('true →'));
  });

  it('leaves room to tell devices apart on a narrow terminal', () => {
    const [head, line = ''] = lines([{ ...row, deviceId: 'press-line-0001' }], { columns: 60, colour: false });
    expect(head).not.toContain('expected');
    expect(line).toContain('press-line');
  });

  it.each([60, 80, 120, 200])('fits a terminal of %i columns', (columns) => {
    const long = { ...row, deviceId: 'x'.repeat(128), path: 'p'.repeat(300), actual: '漢'.repeat(100) };
    for (const line of lines([long], { columns, colour: true })) {
      const wide = (line.match(/漢/g) ?? []).length;
      expect(stripVTControlCharacters(line).length + wide).toBeLessThan(columns);
      expect(line).not.toContain('\n');
    }
  });

  it('colours on a terminal only', () => {
    expect(lines([row], { columns: 100, colour: true })[1]).toContain('\u001b[32menforced');
    expect(lines([row], { colour: false }).join('')).not.toContain('\u001b');
  });

  it('keeps each row on its line, whatever others wrote into it', () => {
    fc.assert(
      fc.property(hostileRow, fc.constantFrom(undefined, 60, 200), (each, columns) => {
        const place = { colour: true, ...(columns === undefined ? {} : { columns }) };
        const line = driftTable(place, [each]).row(each);
        expect(line).not.toContain('\n');
        expect(withoutOurs(line)).not.toMatch(forbidden);
      }),
    );
  });
});

describe('rows as CSV', () => {
  it('have property values as JSON, and nothing that a spreadsheet runs', () => {
    const line = csvLine({ ...row, deviceId: '=HYPERLINK("x")', expected: { a: [1, 'b,c'] } });
    expect(line).toContain(`"'=HYPERLINK(""x"")"`);
    expect(line).toContain('"{""a"":[1,""b,c""]}"');
    expect(line.endsWith('\n')).toBe(true);
  });

  it('have numbers as they are, below zero as well', () => {
    expect(csvLine({ ...row, expected: -5, actual: -0.25 })).toContain(',-5,-0.25,');
    expect(csvLine({ ...row, expected: '-5', actual: null })).toContain(',"""-5""",null,');
  });

  it('are one line each, without anything that a terminal obeys', () => {
    fc.assert(
      fc.property(hostileRow, (each) => {
        const line = csvLine(each);
        expect(line.slice(0, -1)).not.toMatch(forbidden);
      }),
    );
  });
});

describe('the timeline of a device', () => {
  it('is read downwards, by days, with how long mending took and why something was not mended', () => {
    const held: DriftRow = {
      ...row,
      detectedAt: '2026-11-23T01:00:00.000Z',
      outcomeAt: '2026-11-23T01:00:00.000Z',
      outcome: 'heldBack',
      error: 'contested: somebody keeps changing it back',
    };
    expect(renderTimeline([held, row], { colour: false }).split('\n')).toEqual([
      '2026-11-22 (UTC)',
      '  05:10:11  enforced  agent  Process_Disabled  true → false  event, 0.4 s',
      '2026-11-23 (UTC)',
      '  01:00:00  heldBack  agent  Process_Disabled  true → false  event',
      '            contested: somebody keeps changing it back',
    ]);
  });

  it('has as many lines as there are rows, reasons and days, whatever others wrote', () => {
    fc.assert(
      fc.property(hostileRow, fc.constantFrom(undefined, 80), (each, columns) => {
        const text = renderTimeline([each], { colour: true, ...(columns === undefined ? {} : { columns }) });
        expect(text.split('\n')).toHaveLength(3);
        expect(withoutOurs(text)).not.toMatch(forbidden);
      }),
    );
  });
});

describe('the diff of a twin', () => {
  const property = { policy: 'agents', rule: '' };
  const module: ComparedModule = {
    moduleId: 'agent',
    exists: true,
    policies: ['agents'],
    properties: [
      { ...property, path: 'a', kind: 'wrongValue', ok: false, expected: 1, actual: 'x' },
      { ...property, path: 'b', kind: 'missingProperty', ok: false, expected: 2 },
      { ...property, path: 'c', kind: 'forbiddenProperty', ok: false, actual: 3 },
      { ...property, path: 'd', kind: 'custom', ok: false, actual: 1, expected: 4, message: 'too small' },
      { ...property, path: 'e', kind: 'notReported', ok: false, actual: 1, expected: 5 },
      { ...property, path: '', kind: 'policyError', ok: false, message: 'evaluate threw' },
      { ...property, path: 'f', ok: true, expected: 6, actual: 6 },
    ],
  };

  it('has what is there with a minus and what should be with a plus, and counts what is right', () => {
    expect(renderTwinDiff([module], { all: false, colour: false }).split('\n')).toEqual([
      'agent (agents)',
      '- a: "x"',
      '+ a: 1',
      '+ b: 2',
      '- c: 3',
      '- d: 1',
      '+ d: 4',
      '! too small',
      '- e: 1 (reported by the agent)',
      '+ e: 5',
      '! (the twin as a whole): evaluate threw',
      '  1 property is as wanted',
    ]);
  });

  it('lists what is right, too, when it is asked to, and colours on a terminal', () => {
    const text = renderTwinDiff([module], { all: true, colour: true });
    expect(text).toContain('\u001b[2m  f: 6\u001b[22m');
    expect(text).toContain('\u001b[31m- a: "x"\u001b[39m');
    expect(text).toContain('\u001b[32m+ a: 1\u001b[39m');
  });

  it('shows of a module that is not there the baseline that it would get, once', () => {
    const missing: ComparedModule = {
      moduleId: 'agent',
      exists: false,
      policies: ['agents'],
      properties: [
        { ...property, path: '', kind: 'missingModule', ok: false, expected: { a: { b: 1 }, c: 2 } },
        { ...property, path: 'a.b', kind: 'missingModule', ok: false, expected: 1 },
        { ...property, path: 'c', kind: 'missingModule', ok: false, expected: 2 },
      ],
    };
    expect(renderTwinDiff([missing], { all: false, colour: false })).toBe(
      'agent (agents)\n- (no such module)\n+ a.b: 1\n+ c: 2',
    );
    expect(renderTwinDiff([{ ...missing, properties: [] }], { all: false, colour: false })).toContain(
      'not there, and no policy creates it',
    );
  });

  it('does a terminal no harm, whatever is in the twin', () => {
    fc.assert(
      fc.property(hostile, hostile, hostile, fc.dictionary(hostile, hostile), (path, actual, message, baseline) => {
        const kinds = ['wrongValue', 'custom', 'policyError', 'notReported', 'missingModule'] as const;
        const properties = kinds.map((kind) => ({
          ...property,
          path: kind === 'missingModule' ? '' : path,
          kind,
          ok: false,
          actual,
          expected: kind === 'missingModule' ? baseline : path,
          message,
        }));
        const all = [...properties, { ...property, path, ok: true, actual, expected: actual }];
        const text = renderTwinDiff([{ moduleId: message, exists: true, policies: [path], properties: all }], {
          all: true,
          colour: true,
        });
        expect(withoutOurs(text)).not.toMatch(forbidden);
      }),
    );
  });
});

describe('how things stand', () => {
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
    parts: 1,
    partsDone: 1,
    competing: ['Configuration rival competes'],
    walked: [],
  };
  const well: Compliance = {
    state: 'compliant',
    policies: [{ policy: 'agents', devices: 3000, compliant: 3000, outOfLine: 0 }],
    open: { total: 0, byReason: {} },
    lastSweep: sweep,
    deadLetters: 0,
  };

  it('is told in a few lines where all is well', () => {
    const text = renderCompliance(well, now, false);
    expect(text).toMatch(/agents +3,000 +3,000 +100\.0 % +0/);
    expect(text).toContain('done 15 min ago: 12 examined, 3 found, 2 changed, 1,234 hub calls');
    expect(text).toContain('  Configuration rival competes');
    expect(text).toMatch(/Nothing is out of line\.$/);
  });

  it('says why something is not mended and what to do, and never calls less than all 100 %', () => {
    const text = renderCompliance(
      {
        ...well,
        state: 'outOfLine',
        policies: [{ policy: 'agents', devices: 1_000_000, compliant: 999_999, outOfLine: 1 }],
        open: { total: 3, byReason: { 'heldBack: blastRadius': 2, failed: 1 } },
        deadLetters: 4,
      },
      now,
      false,
    );
    expect(text).toContain('99.9 %');
    expect(text).toMatch(/2 +heldBack: blastRadius +.*twinkeeper release POLICY/);
    expect(text).toMatch(/Dead letters +4, which "twinkeeper dead-letters" lists/);
    expect(text).toMatch(/Not all is in line\.$/);
  });

  it('does not call a fleet compliant that nobody has looked at', () => {
    const { lastSweep: _, ...rest } = well;
    const text = renderCompliance(
      { ...rest, state: 'unknown', policies: [{ policy: 'agents', outOfLine: 0 }] },
      now,
      false,
    );
    expect(text).toMatch(/agents +not counted/);
    expect(text).toMatch(/Nobody has looked yet.*"twinkeeper sweep" asks for one\.$/);
  });

  it('names the guard that holds something back', () => {
    expect(reasonOf({ ...row, outcome: 'heldBack', error: 'contested: somebody …' })).toBe('heldBack: contested');
    expect(reasonOf({ ...row, outcome: 'heldBack', error: 'odd' })).toBe('heldBack');
    expect(reasonOf({ ...row, outcome: 'failed', error: 'refused: no' })).toBe('failed');
  });
});
