import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { renderTimeline } from '../../../../infra/cli/view/timeline.ts';
import type { DriftRow } from '../../../../shared/drift/index.ts';
import { forbidden, hostileRow, row, withoutColours } from './hostile-rows.ts';

describe('the timeline of a device', () => {
  it('lists days and rows, oldest first, with repair times and reasons', () => {
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

  it('has one line for each day, row and reason, whatever texts they hold', () => {
    fc.assert(
      fc.property(hostileRow, fc.constantFrom(undefined, 80), (each, columns) => {
        const text = renderTimeline([each], { colour: true, ...(columns === undefined ? {} : { columns }) });
        expect(text.split('\n')).toHaveLength(3);
        expect(withoutColours(text)).not.toMatch(forbidden);
      }),
    );
  });
});
