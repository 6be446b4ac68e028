import { describe, expect, it } from 'vitest';
import { fc } from '../../support/arbitraries.ts';
import { describeRows, live, lives } from './module-model.ts';

/** Number of random runs of the model. The default is small, because the tests share the processor. */
const numRuns = Number(process.env.TWINKEEPER_TEST_MODEL_RUNS ?? 100);

describe('a module that is created and deleted again and again', () => {
  it('has one row for each deletion, whatever is killed, delivered again or out of order', async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (life) => {
        const wasKilled = life.steps.flat().some((act) => 'kill' in act && act.kill !== undefined);
        const { begins, missing, open, exists, created, mode } = await live(life);
        const rows = describeRows(missing);
        expect({ rows, begins: missing.map(({ write }) => write.at).toSorted() }).toEqual({ rows, begins });
        const expected = !exists && mode === 'audit' ? ['missingModule audited'] : [];
        expect({ rows, open: open.map(({ kind, outcome }) => `${kind} ${outcome}`) }).toEqual({
          rows,
          open: exists && mode === 'audit' ? expect.not.arrayContaining(['missingModule audited']) : expected,
        });
        // After a pass was killed, only the twin can show that Twinkeeper created the module, and the twin does not always show it.
        const marked = missing.filter(({ outcome }) => outcome === 'created').length;
        if (!wasKilled) expect({ rows, marked }).toEqual({ rows, marked: created });
        if (mode === 'enforce') expect(exists).toBe(true);
      }),
      { numRuns },
    );
  }, 600_000);
});
