import { beforeEach, describe, expect, it } from 'vitest';
import { withFolded } from '../../../../shared/drift/index.ts';
import { readSealedDay, sealedDays } from '../../../../shared/evidence/seal/sealed-days.ts';
import { at, type SealWorld, startSealWorld } from './seal-world.ts';

const [first, second] = ['2026-01-10', '2026-01-11'] as const;

/**
 * A process that dies at its call `n` of the storage, before the call has its effect. So the effect of the call before it is there, and the process
 * does not go on after it.
 */
function mortalProcess(n: number) {
  let calls = 0;
  let killed = false;
  const call = async (run: () => unknown) => {
    if (++calls >= n) killed = true;
    if (killed) throw new Error('killed');
    return run();
  };
  const mortal = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(_, key) {
        const method: unknown = Reflect.get(target, key);
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          const isList = ['list', 'detected', 'allInJournal'].includes(String(key));
          if (!isList) return call(() => Reflect.apply(method, target, args));
          const items: AsyncIterable<unknown> = Reflect.apply(method, target, args);
          return (async function* () {
            for await (const item of items) yield await call(() => item);
          })();
        };
      },
    });
  return { mortal, isKilled: () => killed };
}

/** Two days with rows, a row that changes, and actions. Seals nothing. */
async function fill(world: SealWorld): Promise<void> {
  const held = await world.drift('a', 1, { outcome: 'heldBack' });
  await world.drift('b', 2);
  await world.act(3, 'checked');
  await world.change(held, 26, 'enforced');
  await world.drift('c', 27, { outcome: 'audited' });
  world.setClock(49);
}

describe('a process that is killed while it seals', () => {
  it('at any call: the next one ends with the same blobs', async () => {
    const world = await startSealWorld();
    await fill(world);
    await world.seal();
    const expected = await world.names();
    expect(expected).toHaveLength(2 + 4 + 3);
    let kills = 0;
    for (let n = 1; ; n++) {
      const container = `killed-at-${n}`;
      const { mortal, isKilled } = mortalProcess(n);
      await world.seal({ mortal, container }).catch((error: Error) => expect(error.message).toBe('killed'));
      if (!isKilled()) break;
      kills++;
      await world.seal({ container });
      expect(await world.names(container)).toEqual(expected);
    }
    expect(kills).toBeGreaterThan(20);
  });
});

describe('the seals of days', () => {
  let world: SealWorld;
  beforeEach(async () => {
    world = await startSealWorld();
  });

  it('are made once by two processes at the same time, and are a chain', async () => {
    await fill(world);
    // The two write different manifests.
    const runs = await Promise.all([world.seal({ appVersion: '1.0.0' }), world.seal({ appVersion: '2.0.0' })]);
    expect(await sealedDays(world.blobs)).toEqual([first, second]);
    const stored = await readSealedDay(world.blobs, first);
    expect((await world.manifest(second)).previous).toEqual({ day: first, sha256: stored?.sha256 });
    for (const { sealed } of runs) {
      for (const { day, sha256 } of sealed) expect((await readSealedDay(world.blobs, day))?.sha256).toBe(sha256);
    }
  });

  it('name only the files of the run that wrote the manifest, when a row has changed since an earlier run', async () => {
    const row = await world.drift('a', 1, { outcome: 'audited' });
    world.setClock(25);
    // The fourth write of the run is the one of the manifest.
    let writes = 0;
    const dies = <T extends object>(target: T): T =>
      'write' in target
        ? {
            ...target,
            write: async (...args: never[]) => {
              if (++writes === 4) throw new Error('killed');
              return (target.write as (...args: never[]) => unknown)(...args);
            },
          }
        : target;
    await expect(world.seal({ mortal: dies })).rejects.toThrow('killed');
    expect(await sealedDays(world.blobs)).toEqual([]);
    await world.record(withFolded(row, { ...row, write: { version: 2, at: at(24.9), exact: true } }));
    await world.seal();
    expect(await world.lines(first, 'rows')).toEqual([expect.objectContaining({ times: 2 })]);
    expect((await world.names()).filter((name) => name.includes('rows-'))).toHaveLength(2);
    expect((await world.manifest(first)).files).toHaveLength(3);
  });

  it('go on from the tables when a file of the day before is damaged or missing', async () => {
    await world.drift('a', 1, { outcome: 'audited' });
    world.setClock(25);
    await world.seal();
    const open = (await world.names()).find((name) => name.includes('open-')) ?? '';
    await world.forge(open, Buffer.from('damaged'));
    world.setClock(49);
    await world.seal();
    await world.forge(`manifests/${second}.json`, Buffer.from('{'));
    world.setClock(73);
    await world.seal();
    expect(await world.lines(second, 'open').catch(() => [])).toEqual([]);
    expect(await world.lines('2026-01-12', 'open')).toEqual([expect.objectContaining({ deviceId: 'a' })]);
  });
});
