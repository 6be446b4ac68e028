/** History rows with texts that could harm a terminal. */
import fc from 'fast-check';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import type { Json } from '../../../../shared/twin/index.ts';

/** An enforced row. */
export const row: DriftRow = {
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

/** Texts with characters that a terminal obeys, hides or shows backwards, and any other texts. */
export const hostile = fc.oneof(
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
/** Characters that must not reach a terminal. */
export const forbidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Rows in which all texts are hostile. */
export const hostileRow = fc
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

/** A rendered text without its own colours and line ends. */
export function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches colours.
  return text.replace(/\u001b\[\d{1,2}m/g, '').replace(/\n/g, ' ');
}
