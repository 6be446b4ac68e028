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
const { registerSeal } = await import('../../functions/seal.ts');

const minute = 60_000;
let time = 0;
let days = 0;
beforeEach(() => {
  time = Date.UTC(2026, 5, 1, 0, 20);
  registerSeal({
    settings: { sealSchedule: '0 20 0-5 * * *' },
    load: async () => ({
      now: () => new Date(time),
      loadSealer: async () => ({
        // Seals one day a minute.
        async run(mayContinue: () => boolean) {
          const sealed: object[] = [];
          for (; days > 0 && mayContinue(); days--, time += minute) {
            sealed.push({
              day: `day-${days}`,
              sha256: 'abc',
              counts: { rows: 1, transitions: 2, open: 3, actions: 4 },
            });
          }
          return { sealed, isUnfinished: days > 0 };
        },
      }),
    }),
  } as unknown as LazyApp);
});

async function run(): Promise<readonly string[]> {
  const logged: string[] = [];
  const { handler } = registered.get('seal') as Registration;
  await handler({ isPastDue: false }, { info: (text: string) => void logged.push(text) });
  return logged;
}

describe('the function seal', () => {
  it('logs each sealed day with the hash of its manifest, and nothing when there was none', async () => {
    expect((registered.get('seal') as Registration).schedule).toBe('0 20 0-5 * * *');
    days = 1;
    expect(await run()).toEqual([
      'Sealed day-1: 1 rows, 2 transitions, 3 open rows, 4 lines of actions. SHA-256 of the manifest: abc',
    ]);
    expect(await run()).toEqual([]);
  });

  it('begins no day after four minutes, and says so', async () => {
    days = 100;
    expect((await run()).at(-1)).toContain('More days are left');
    expect(days).toBe(96);
  });
});
