import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { LazyApp } from '../../functions/lazy-app.ts';

interface Registration {
  readonly schedule: string;
  readonly handler: (...args: unknown[]) => Promise<unknown>;
}
const registered = vi.hoisted(() => new Map<string, unknown>());
vi.mock('@azure/functions', () => ({
  app: { timer: (name: string, options: object) => registered.set(name, options) },
}));
const { registerHousekeeping } = await import('../../functions/housekeeping.ts');

const minute = 60_000;
const day = 24 * 60 * minute;
let now = Date.UTC(2026, 5, 1);
/** The calls of `removeBefore`: the kind of removed data, the time before which data is removed, and the number of batches. */
let removals: [removed: string, before: string, batches: number][] = [];
beforeEach(() => {
  now = Date.UTC(2026, 5, 1);
  removals = [];
  const remove = (kind: string) => async (before: Date, mayContinue: () => boolean) => {
    let batches = 0;
    for (; batches < 8 && mayContinue(); batches++) now += minute;
    removals.push([kind, before.toISOString(), batches]);
    return { removed: batches, kept: 1, isUnfinished: batches < 8 };
  };
  registerHousekeeping({
    settings: { rollupSchedule: '15 */5 * * * *', retentionDays: 30 },
    load: async () => ({
      retention: {
        removeBefore: remove('rows'),
        async announce(before: Date) {
          removals.push(['announced', before.toISOString(), 0]);
        },
      },
      openSnapshots: { removeBefore: remove('snapshots') },
      sweepRetention: { removeBefore: remove('sweeps') },
      deadLetters: { removeBefore: remove('letters') },
      actions: { removeBefore: remove('actions') },
      guardStore: {
        async removeExpired() {
          removals.push(['twins', 'expired', 1]);
          return { isUnfinished: false };
        },
      },
      statusStore: {
        async removeBefore(before: Date) {
          removals.push(['uses', before.toISOString(), 1]);
          return { isUnfinished: false };
        },
      },
      loadSweep: async () => ({
        async removeOldFolders() {
          removals.push(['folders', 'old', 1]);
          return 1;
        },
      }),
      now: () => new Date(now),
    }),
  } as unknown as LazyApp);
});

/** Calls the handler of the function `retention` and returns the lines that it logged. */
async function runRetention(): Promise<string[]> {
  const logged: string[] = [];
  const { handler } = registered.get('retention') as Registration;
  await handler({ isPastDue: false }, { info: (text: string) => void logged.push(text) });
  return logged;
}

describe('the function retention', () => {
  it('removes old sweeps, twins and history rows once a day, and logs the counts', async () => {
    expect((registered.get('retention') as Registration).schedule).toMatch(/^0 \d+ \d+ \* \* \*$/);
    const logged = await runRetention();
    const before = new Date(Date.UTC(2026, 5, 1) - 30 * day).toISOString();
    expect(removals.map(([kind, time]) => [kind, time])).toEqual([
      ['announced', before],
      ['sweeps', before],
      ['twins', 'expired'],
      ['letters', before],
      ['actions', before],
      ['uses', new Date(Date.UTC(2026, 5, 1) - 2 * day).toISOString()],
      ['snapshots', before],
      ['rows', before],
      ['folders', 'old'],
    ]);
    expect(logged).toEqual([expect.stringContaining(`from before ${before}`)]);
  });

  it('stops within five minutes, and logs that more is left', async () => {
    const [logged] = await runRetention();
    expect(now - Date.UTC(2026, 5, 1)).toBeLessThan(5 * minute);
    expect(logged).toContain('More are left');
  });
});
