/** Rows of the history with texts that could harm a terminal. */
import fc from 'fast-check';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import type { Json } from '../../../../shared/twin/index.ts';

/** A row with the outcome `enforced` and harmless texts. */
export const row: DriftRow = {
  v: 2,
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

/**
 * Generates texts that a terminal would not show as they are written: escape sequences, line ends, invisible characters, right-to-left
 * marks. Also generates random texts.
 */
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
/** Characters that a text for a terminal must not contain. */
export const forbidden = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Generates rows of the history in which every text is hostile. */
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

/** Removes from a rendered text the colours and line ends that the renderer has added. */
export function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern matches colours.
  return text.replace(/\u001b\[\d{1,2}m/g, '').replace(/\n/g, ' ');
}
