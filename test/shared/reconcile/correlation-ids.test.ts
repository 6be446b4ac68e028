import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { correlationText } from '../../../shared/reconcile/correlation-ids.ts';
import { EventProcessor, Reconciler } from '../../../shared/reconcile/index.ts';
import { quiet } from '../../support/world.ts';
import { agent, newWorld } from './memory-world.ts';

describe('the log lines about events', () => {
  it('name the correlation ids of the events, so that a history row leads to its invocation', async () => {
    const world = newWorld();
    const lines: string[] = [];
    const add = (line: string) => void lines.push(line);
    const processor = new EventProcessor({
      reconciler: new Reconciler({
        policies: toPolicySet([agent], { mode: 'enforce' }),
        hub: world.hub,
        journal: world.journal,
        log: quiet,
      }),
      queue: { put: async () => {} },
      deadLetters: world.deadLetters,
      log: { info: add, warn: add, error: add },
      retry: { firstDelay: 10, attempts: 2 },
    });
    world.registry.create({ deviceId: 'd' }, {});
    const created = world.newEvents();
    const id = String(created[0]?.systemProperties['correlation-id']);
    expect(id).toMatch(/\w/);
    await processor.process(created);
    expect(lines).toEqual([
      expect.stringMatching(new RegExp(`^1 events: 1 devices checked.*\\. Correlation id: ${id}\\.$`)),
    ]);
    expect((await world.history('d'))[0]?.correlationId).toBe(id);

    lines.splice(0);
    world.newEvents();
    world.registry.patchTwin({ deviceId: 'd', moduleId: 'm' }, { desired: { mode: 'Off' } }, '*');
    world.trouble.problem = { type: 'transient', message: '503' };
    const [drifted] = world.newEvents();
    if (drifted === undefined) throw new Error('There is no event.');
    const other = `Correlation id: ${drifted.systemProperties['correlation-id']}.`;
    const broken = { ...drifted, properties: { ...drifted.properties, deviceId: 'x' } };
    await processor.process([drifted]);
    await processor.process([broken]);
    expect(lines.filter((line) => line.endsWith(other))).toHaveLength(3);
  });

  it('stay one line, and end, whatever the ids are', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary', maxLength: 128 }), { maxLength: 300 }), (ids) => {
        const text = correlationText(ids);
        expect(text).not.toMatch(/[\n\r"\u2028]/);
        expect(text.length).toBeLessThan(100 * 260);
      }),
      { numRuns: 20 },
    );
    expect(correlationText([])).toBe('');
    expect(correlationText(['a', 'b'])).toBe(' Correlation ids: a, b.');
    expect(correlationText(Array.from({ length: 103 }, (_, n) => `i${n}`))).toMatch(/i99 and 3 more\.$/);
  });
});
