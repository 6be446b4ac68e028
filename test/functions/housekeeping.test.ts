import { beforeEach, describe, expect, it, vi } from 'vitest';
import type { App } from '../../functions/compose.ts';

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
/** What was asked for, and how often it was gone on with. */
let asked: [what: string, before: string, batches: number][] = [];
beforeEach(() => {
  now = Date.UTC(2026, 5, 1);
  asked = [];
  const remove = (what: string) => async (before: Date, mayGoOn: () => boolean) => {
    let batches = 0;
    for (; batches < 8 && mayGoOn(); batches++) now += minute;
    asked.push([what, before.toISOString(), batches]);
    return { removed: batches, kept: 1, isUnfinished: batches < 8 };
  };
  registerHousekeeping({
    settings: { rollupSchedule: '15 */5 * * * *', retentionDays: 30 },
    retention: { removeBefore: remove('rows') },
    sweepRetention: { removeBefore: remove('sweeps') },
    now: () => new Date(now),
  } as unknown as App);
});

async function retain(): Promise<string[]> {
  const said: string[] = [];
  const { handler } = registered.get('retention') as Registration;
  await handler({ isPastDue: false }, { info: (text: string) => void said.push(text) });
  return said;
}

describe('retention', () => {
  it('goes through sweeps and history once a day, and says what it did', async () => {
    expect((registered.get('retention') as Registration).schedule).toMatch(/^0 \d+ \d+ \* \* \*$/);
    const said = await retain();
    const before = new Date(Date.UTC(2026, 5, 1) - 30 * day).toISOString();
    expect(asked.map(([what, time]) => [what, time])).toEqual([
      ['sweeps', before],
      ['rows', before],
    ]);
    expect(said).toEqual([expect.stringContaining(`from before ${before}`)]);
  });

  it('ends long before the runtime would end it, whatever there is to remove, and says that there is more', async () => {
    const [said] = await retain();
    expect(now - Date.UTC(2026, 5, 1)).toBeLessThan(5 * minute);
    expect(said).toContain('There are more');
  });
});
