import { beforeAll, describe, expect, it } from 'vitest';
import { encodeDeviceId } from '../../../../shared/storage/index.ts';
import { at, startSealWorld } from './seal-world.ts';

type Entity = Readonly<Record<string, unknown>>;
const [journal, timeline, actions] = ['TwinkeeperDrift', 'TwinkeeperTimeline', 'TwinkeeperActions'];

/** An alteration of the row of one device, or of one action. `faults`: what a comparison finds. */
interface Alteration {
  readonly what: string;
  /** The tables in which the row is altered. */
  readonly tables: readonly string[];
  /** Returns the changed fields. Absent: the row is removed. */
  readonly change?: (entity: Entity) => object;
  /** Whether the row is still open. */
  readonly open?: true;
  readonly isMeant?: (entity: Entity) => boolean;
  readonly faults: readonly string[];
}

/** Returns a change of the course of a row. */
const course =
  (change: (transitions: readonly Entity[]) => readonly Entity[]) =>
  ({ transitions }: Entity) => ({ transitions: JSON.stringify(change(JSON.parse(String(transitions)))) });

const rows: readonly Alteration[] = [
  { what: 'another value', tables: [journal], change: () => ({ actual: '7' }), faults: ['changed journal'] },
  { what: 'another policy', tables: [timeline], change: () => ({ policy: 'x' }), faults: ['changed timeline'] },
  { what: 'another detection', tables: [journal], change: () => ({ detectedAt: at(3) }), faults: ['changed journal'] },
  {
    what: 'another outcome only',
    tables: [journal],
    change: () => ({ outcome: 'healed' }),
    faults: ['changed journal'],
  },
  {
    what: 'another outcome only, while it is open',
    open: true,
    tables: [journal],
    change: () => ({ outcome: 'audited' }),
    faults: ['changed journal'],
  },
  {
    what: 'an end only, while it is open',
    open: true,
    tables: [timeline],
    change: () => ({ closedAt: at(5) }),
    faults: ['changed timeline'],
  },
  {
    what: 'another policy, while it is open',
    open: true,
    tables: [journal],
    change: () => ({ policy: 'x' }),
    faults: ['changed journal'],
  },
  {
    what: 'another value in both tables',
    tables: [journal, timeline],
    change: () => ({ expected: '7' }),
    faults: ['changed journal', 'changed timeline'],
  },
  {
    what: 'a removed transition',
    tables: [journal],
    change: course((all) => all.slice(1)),
    faults: ['changed journal'],
  },
  {
    what: 'a transition at another time',
    tables: [timeline],
    change: course((all) => all.map((each) => ({ ...each, at: at(2) }))),
    faults: ['changed timeline'],
  },
  {
    what: 'a transition with another reason',
    tables: [journal],
    change: course((all) => all.map((each) => ({ ...each, reason: 'x' }))),
    faults: ['changed journal'],
  },
  {
    what: 'fewer tries',
    tables: [journal],
    change: course(([one, ...others]) => [
      { at: one?.at, outcome: one?.outcome, reason: one?.reason, by: one?.by },
      ...others,
    ]),
    faults: ['changed journal'],
  },
  {
    what: 'an added transition',
    tables: [journal],
    change: course((all) => [...all, { at: at(30), outcome: 'enforced', by: 'event' }]),
    faults: ['changed journal'],
  },
  { what: 'a damaged course', tables: [journal], change: () => ({ transitions: '[' }), faults: ['changed journal'] },
  { what: 'a damaged value', tables: [journal], change: () => ({ actual: '{' }), faults: ['changed journal'] },
  { what: 'a removed row', tables: [journal, timeline], faults: ['removed journal', 'removed timeline'] },
  { what: 'a row removed from the timeline', tables: [timeline], faults: ['removed timeline'] },
  {
    what: 'a copy at another device',
    tables: [journal],
    change: ({ deviceId }) => ({ partitionKey: encodeDeviceId(`other-${deviceId}`), deviceId: `other-${deviceId}` }),
    faults: ['slippedIn journal'],
  },
];

const actionChanges: readonly Alteration[] = [
  { what: 'another actor', tables: [actions], change: () => ({ by: '{"type":"app"}' }), faults: ['changed'] },
  { what: 'another time', tables: [actions], change: () => ({ at: at(29) }), faults: ['changed'] },
  {
    what: 'no end',
    tables: [actions],
    change: () => ({ result: 'started', detail: '', endedAt: undefined }),
    faults: ['changed'],
  },
  { what: 'a damaged target', tables: [actions], change: () => ({ target: '{' }), faults: ['changed'] },
  {
    what: 'another reason in the list of its policy',
    tables: [actions],
    isMeant: ({ rowKey }) => String(rowKey).startsWith('policy!'),
    change: () => ({ reason: 'x' }),
    faults: ['changed'],
  },
  {
    what: 'a removed entry of the list of its kind',
    tables: [actions],
    isMeant: ({ rowKey }) => String(rowKey).startsWith('kind!'),
    faults: ['changed'],
  },
  { what: 'a removed action', tables: [actions], faults: ['removed'] },
];

/** The faults by device, and those of actions by the number of the action. One comparison finds all of them. */
const found = new Map<string, string[]>();
beforeAll(async () => {
  const world = await startSealWorld();
  for (const [index, { open }] of rows.entries()) {
    const held = await world.drift(`d${index}`, 1, { outcome: 'deferred', error: 'busy' });
    const tried = await world.change(await world.change(held, 2, 'pending'), 3, 'deferred', 'busy');
    if (open === undefined) await world.change(tried, 25, 'enforced');
  }
  for (const index of actionChanges.keys()) await world.act(26 + index, `action ${index}`);
  world.setClock(48.5);
  await world.seal();
  expect((await world.verify()).faults).toEqual([]);

  for (const [index, { tables, change }] of rows.entries()) {
    const isMeant = ({ deviceId, rowKey }: Entity) => deviceId === `d${index}` && !String(rowKey).startsWith('open!');
    for (const table of tables) await world.alter(table, isMeant, change);
  }
  const ids = (await world.actions.page({}, 100)).actions.toReversed().map(({ id }) => id);
  for (const [index, { isMeant = () => true, change }] of actionChanges.entries()) {
    await world.alter(actions ?? '', (entity) => entity.id === ids[index] && isMeant(entity), change);
  }
  await world.drift('slipped', 28);
  await world.act(30, 'slipped in');
  world.setClock(48.5);
  const report = await world.verify();
  for (const fault of report.all) {
    if (fault.subject === 'row') note(fault.row.deviceId, `${fault.fault} ${fault.table}`);
    else if (fault.subject === 'action') note(`action ${ids.indexOf(fault.action.id)}`, fault.fault);
    else note('other', fault.what);
  }
});

function note(key: string, fault: string): void {
  found.set(key, [...(found.get(key) ?? []), fault].toSorted());
}

describe('a comparison of the tables with the seals', () => {
  it.each(rows.map((row, index) => [row.what, index] as const))('finds a row with %s', (_, index) => {
    const isCopy = rows[index]?.what === 'a copy at another device';
    expect(found.get(`${isCopy ? 'other-' : ''}d${index}`)).toEqual(rows[index]?.faults);
  });

  it.each(actionChanges.map((action, index) => [action.what, index] as const))(
    'finds an action with %s',
    (_, index) => {
      expect(found.get(`action ${index}`)).toEqual(actionChanges[index]?.faults);
    },
  );

  it('finds what slipped in, and nothing else', () => {
    expect(found.get('slipped')).toEqual(['slippedIn journal', 'slippedIn timeline']);
    expect(found.get('action -1')).toEqual(['slippedIn']);
    expect(found.get('other')).toBeUndefined();
    expect(found.size).toBe(rows.length + actionChanges.length + 2);
  });
});
