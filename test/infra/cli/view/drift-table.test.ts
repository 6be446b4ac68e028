import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { csvLine } from '../../../../infra/cli/view/drift-csv.ts';
import { driftTable } from '../../../../infra/cli/view/drift-table.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import { forbidden, hostileRow, row, withoutColours } from './hostile-rows.ts';

describe('the table of history rows', () => {
  const lines = (rows: readonly DriftRow[], place: Parameters<typeof driftTable>[0]) => {
    const table = driftTable(place, rows);
    return [table.head, ...rows.map((each) => table.row(each))];
  };

  it('has time, outcome, device, property and values', () => {
    const [head, line] = lines([row], { colour: false });
    expect(head).toMatch(/^detected \(UTC\) +outcome +device +module +policy +property +actual → expected/);
    expect(line).toMatch(/^2026-11-22 05:10:11 +enforced +press-01 +agent +agents +Process_Disabled +true → false$/);
  });

  it('cuts nothing without a terminal, and aligns its columns', () => {
    const long = { ...row, deviceId: 'x'.repeat(100), error: 'why so' };
    const [, first = '', second = ''] = lines([long, row], { colour: false });
    expect(first).toContain('x'.repeat(100));
    expect(first).toContain('why so');
    expect(first.indexOf('true →')).toBe(second.indexOf('true →'));
  });

  it('has room for device ids on a narrow terminal', () => {
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

  it('has colours only on a terminal', () => {
    expect(lines([row], { columns: 100, colour: true })[1]).toContain('\u001b[32menforced');
    expect(lines([{ ...row, outcome: 'superseded' }], { columns: 100, colour: true })[1]).toContain(
      '\u001b[2msuperseded',
    );
    expect(lines([row], { colour: false }).join('')).not.toContain('\u001b');
  });

  it('has one line for each row, whatever texts the row holds', () => {
    fc.assert(
      fc.property(hostileRow, fc.constantFrom(undefined, 60, 200), (each, columns) => {
        const place = { colour: true, ...(columns === undefined ? {} : { columns }) };
        const line = driftTable(place, [each]).row(each);
        expect(line).not.toContain('\n');
        expect(withoutColours(line)).not.toMatch(forbidden);
      }),
    );
  });
});

describe('a history row as CSV', () => {
  it('has property values as JSON, and no cell that a spreadsheet takes for a formula', () => {
    const line = csvLine({ ...row, deviceId: '=HYPERLINK("x")', expected: { a: [1, 'b,c'] } });
    expect(line).toContain(`"'=HYPERLINK(""x"")"`);
    expect(line).toContain('"{""a"":[1,""b,c""]}"');
    expect(line.endsWith('\n')).toBe(true);
  });

  it('has plain numbers, also negative ones', () => {
    expect(csvLine({ ...row, expected: -5, actual: -0.25 })).toContain(',-5,-0.25,');
    expect(csvLine({ ...row, expected: '-5', actual: null })).toContain(',"""-5""",null,');
  });

  it('is one line that is safe for a terminal', () => {
    fc.assert(
      fc.property(hostileRow, (each) => {
        const line = csvLine(each);
        expect(line.slice(0, -1)).not.toMatch(forbidden);
      }),
    );
  });
});
