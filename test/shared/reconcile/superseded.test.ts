import { describe, expect, it } from 'vitest';
import { isOver } from '../../../shared/drift/index.ts';
import { definePolicy } from '../../../shared/policy/index.ts';
import { agent, newWorld } from './memory-world.ts';

type Definition = Parameters<typeof definePolicy>[0];

/** A device with the module `m`, whose creation is processed. `rows` returns the rows of later drift, oldest first. */
async function settled(more: Partial<Definition> = {}) {
  const world = newWorld([definePolicy({ ...agent, ...more })]);
  world.registry.create({ deviceId: 'd' }, {});
  world.registry.create({ deviceId: 'd', moduleId: 'm' }, {}, { desired: { mode: 'High', s: { x: true } }, tags: {} });
  await world.processor.process(world.newEvents());
  const created = (await world.history('d')).length;
  return {
    ...world,
    patch: (desired: object) =>
      void world.registry.patchTwin({ deviceId: 'd', moduleId: 'm' }, { desired: desired as never }, '*'),
    settle: async () => {
      for (let events = world.newEvents(); events.length > 0; events = world.newEvents()) {
        await world.processor.process(events);
      }
    },
    rows: async () =>
      (await world.history('d'))
        .slice(created)
        .map(({ kind, actual, outcome, closedAt }) => [kind, actual, outcome, closedAt !== undefined] as const),
  };
}

describe('a wrong value that the next wrong value replaces', () => {
  it('is superseded, and only the last one is enforced', async () => {
    const { patch, settle, rows } = await settled();
    for (let number = 1; number <= 6; number++) patch({ mode: `wrong ${number}` });
    await settle();
    expect(await rows()).toEqual([
      ...[1, 2, 3, 4, 5].map((number) => ['wrongValue', `wrong ${number}`, 'superseded', false]),
      ['wrongValue', 'wrong 6', 'enforced', false],
    ]);
  });

  it('is superseded when the property is removed next, or the whole twin is replaced', async () => {
    const { registry, patch, settle, rows } = await settled();
    patch({ mode: 'wrong' });
    patch({ mode: null });
    registry.replaceTwin({ deviceId: 'd', moduleId: 'm' }, { desired: { mode: 'other' } }, '*');
    await settle();
    expect((await rows()).filter(([, , outcome]) => outcome !== 'enforced')).toEqual([
      ['wrongValue', 'wrong', 'superseded', false],
      ['missingProperty', undefined, 'superseded', false],
    ]);
  });

  it('is healed when a right value came in between', async () => {
    const { patch, settle, rows } = await settled();
    for (const mode of ['wrong', 'High', 'wrong again']) patch({ mode });
    await settle();
    expect(await rows()).toEqual([
      ['wrongValue', 'wrong', 'healed', false],
      ['wrongValue', 'wrong again', 'enforced', false],
    ]);
  });

  it('is superseded when each write comes in its own batch, and the repair is deferred', async () => {
    const { patch, settle, rows, trouble } = await settled();
    trouble.problem = { type: 'throttled', message: '429' };
    for (const mode of ['first', 'second']) {
      patch({ mode });
      await settle();
    }
    delete trouble.problem;
    patch({ mode: 'third' });
    await settle();
    expect(await rows()).toEqual([
      ['wrongValue', 'first', 'superseded', false],
      ['wrongValue', 'second', 'superseded', false],
      ['wrongValue', 'third', 'enforced', false],
    ]);
  });

  it('is superseded when its event comes after the event of the next value', async () => {
    const { patch, processor, newEvents, settle, rows } = await settled();
    patch({ mode: 'first' });
    const late = newEvents();
    patch({ mode: 'second' });
    await settle();
    await processor.process(late);
    await settle();
    expect(await rows()).toEqual([
      ['wrongValue', 'first', 'superseded', false],
      ['wrongValue', 'second', 'enforced', false],
    ]);
  });

  it('stays `audited` in audit mode, and gets an end', async () => {
    const { patch, settle, rows } = await settled({ mode: 'audit' });
    for (const mode of ['first', 'second']) {
      patch({ mode });
      await settle();
    }
    expect(await rows()).toEqual([
      ['wrongValue', 'first', 'audited', true],
      ['wrongValue', 'second', 'audited', false],
    ]);
  });

  it('is over, so it is not drift that waits for a repair', () => {
    expect(isOver('superseded')).toBe(true);
  });
});
