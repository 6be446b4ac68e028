import { describe, expect, it } from 'vitest';
import { competingGuard } from '../../../shared/guards/competing-configurations.ts';
import { competingSettings, describeCompeting } from '../../../shared/guards/index.ts';
import { targetPredicate } from '../../../shared/guards/target-condition.ts';
import type { Configuration } from '../../../shared/hub/index.ts';
import { absent, between, byDefault, oneOf, type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { fc, policySets } from '../../support/arbitraries.ts';
import { departure, manualClock, memoryStore, minute, review, twin } from './guard-fixtures.ts';

const section = 'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration';
const agent: PolicyDefinition = {
  name: 'agent',
  module: 'Agent',
  desired: {
    mode: oneOf(['High', 'Low'], { otherwise: 'High' }),
    timeout: between(60, 120, { otherwise: 100 }),
    interval: byDefault('PT1H'),
    legacy: absent(),
    [section]: { eventPriorityLogin: { value: 'High' } },
  },
};

const policiesOf = (...definitions: PolicyDefinition[]) => toPolicySet(definitions, { mode: 'enforce' }).all;

function configuration(moduleContent: JsonObject, more: Partial<Configuration> = {}): Configuration {
  return { id: 'c', targetCondition: '*', priority: 10, deviceContent: {}, moduleContent, ...more };
}

/** The values that a configuration with this content sets against the policy, by path. */
const competingValues = (content: JsonObject, definition = agent) =>
  Object.fromEntries(
    competingSettings(policiesOf(definition), [configuration(content)]).map(({ path, theirs }) => [path, theirs]),
  );

describe('a configuration of the hub', () => {
  it.each([
    ['sets a wrong value', { 'properties.desired.mode': 'Off' }, { mode: 'Off' }],
    ['sets a forbidden property', { 'properties.desired.legacy': 1 }, { legacy: 1 }],
    [
      'sets a value deep in a section whose key has colons',
      { [`properties.desired.${section}.eventPriorityLogin.value`]: 'Low' },
      { [`${section}.eventPriorityLogin.value`]: 'Low' },
    ],
    [
      'sets a section as a whole',
      { [`properties.desired.${section}`]: { eventPriorityLogin: { value: 'Off' }, other: 1 } },
      { [`${section}.eventPriorityLogin.value`]: 'Off' },
    ],
    ['removes a property with a default', { 'properties.desired.interval': null }, { interval: null }],
    ['removes a wanted property', { 'properties.desired.timeout': null }, { timeout: null }],
    [
      'puts a value in place of a section',
      { [`properties.desired.${section}`]: 'x' },
      { [`${section}.eventPriorityLogin.value`]: null },
    ],
    [
      'replaces all properties',
      { 'properties.desired': { mode: 'Low', timeout: 60, interval: 'PT2H' } },
      { [`${section}.eventPriorityLogin.value`]: null },
    ],
    [
      'replaces all properties and sets one of them differently',
      {
        'properties.desired.mode': 'Off',
        'properties.desired': {
          mode: 'High',
          timeout: 61,
          interval: '',
          [section]: { eventPriorityLogin: { value: 'High' } },
        },
      },
      { mode: 'Off' },
    ],
  ])('competes with a policy when it %s', (_, content, expected) => {
    expect(competingValues(content)).toEqual(expected);
  });

  it.each<[string, JsonObject]>([
    ['sets a value that the policy allows', { 'properties.desired.mode': 'Low', 'properties.desired.timeout': 60 }],
    ['sets another value than a default', { 'properties.desired.interval': 'PT9H' }],
    ['sets a property that no policy owns', { 'properties.desired.other': { mode: 'Off' } }],
    ['sets no desired properties', { 'tags.mode': 'Off', 'properties.reported.mode': 'Off', mode: 'Off' }],
    ['has no content', {}],
  ])('does not compete when it %s', (_, content) => {
    expect(competingValues(content)).toEqual({});
  });

  it('competes only for twins of its own kind', () => {
    const onDevices: PolicyDefinition = { name: 'on-devices', desired: { mode: 'High' } };
    const wrong = { 'properties.desired.mode': 'Off' };
    const both = policiesOf(agent, onDevices);
    expect(competingSettings(both, [configuration(wrong)])).toMatchObject([{ policy: 'agent', about: 'module' }]);
    expect(competingSettings(both, [configuration({}, { deviceContent: wrong })])).toMatchObject([
      { policy: 'on-devices', about: 'device', module: '' },
    ]);
  });

  it('does not compete with an auditing policy', () => {
    expect(competingValues({ 'properties.desired.mode': 'Off' }, { ...agent, mode: 'audit' })).toEqual({});
  });

  it('does not compete when it targets no twin or only other modules', () => {
    const of = (targetCondition: string) =>
      competingSettings(policiesOf(agent), [configuration({ 'properties.desired.mode': 'Off' }, { targetCondition })])
        .length;
    expect(of('')).toBe(0);
    expect(of("FROM devices.modules WHERE moduleId = 'Other'")).toBe(0);
    expect(of("FROM devices.modules WHERE tags.a = 1 AND moduleId IN ['Other', 'Third']")).toBe(0);
    expect(of("FROM devices.modules WHERE moduleId = 'Agent' AND tags.a = 1")).toBe(1);
    expect(of("FROM devices.modules WHERE moduleId = 'Other' OR tags.a = 1")).toBe(1);
    expect(of('FROM devices.modules')).toBe(1);
    expect(of('this is no condition')).toBe(1);
  });

  it('is described with all fields, in the order of the configurations', () => {
    const configurations = [
      configuration({ 'properties.desired.legacy': [1] }, { id: 'first', priority: 3 }),
      configuration({ 'properties.desired.timeout': 7 }, { id: 'second', targetCondition: 'FROM devices.modules' }),
    ];
    const found = competingSettings(policiesOf({ ...agent, overrideConfigurations: true }), configurations);
    expect(found).toEqual([
      {
        configuration: 'first',
        targetCondition: '*',
        priority: 3,
        about: 'module',
        policy: 'agent',
        module: 'Agent',
        path: 'legacy',
        theirs: [1],
        overridden: true,
      },
      {
        configuration: 'second',
        targetCondition: 'FROM devices.modules',
        priority: 10,
        about: 'module',
        policy: 'agent',
        module: 'Agent',
        path: 'timeout',
        theirs: 7,
        wanted: 100,
        overridden: true,
      },
    ]);
    expect(found.map(describeCompeting)).toEqual([
      'Configuration first (priority 3) sets legacy on Agent to [1]; policy agent wants no value there and overrides the configuration.',
      'Configuration second (priority 10) sets timeout on Agent to 7; policy agent wants 100 and overrides the configuration.',
    ]);
  });

  it('does not compete when it sets the values of the policy', () => {
    fc.assert(
      fc.property(policySets({ mode: 'enforce' }), ({ all }) => {
        for (const policy of all) {
          const content = Object.fromEntries(
            policy.owned.flatMap(({ text, rule }) => {
              if (rule.rule === 'absent') return [[`properties.desired.${text}`, null]];
              return [[`properties.desired.${text}`, 'value' in rule ? rule.value : rule.otherwise]];
            }),
          );
          expect(competingSettings([policy], [configuration(content)])).toEqual([]);
        }
      }),
    );
  });
});

describe('a target condition', () => {
  const seen = twin(
    { mode: 'High' },
    { tags: { site: 'plant', level: 3 }, reported: { state: 'ok' } },
    'Agent',
    'device-1',
  );

  it.each([
    ['*', true],
    ['', false],
    ['   ', false],
    ['FROM devices.modules', true],
    ["FROM devices.modules WHERE moduleId = 'Agent'", true],
    ["FROM devices.modules WHERE moduleId = 'Other'", false],
    ["FROM devices.modules WHERE deviceId = 'device-1' AND tags.site = 'plant'", true],
    ["FROM devices.modules WHERE tags.site = 'office'", false],
    ["FROM devices.modules WHERE properties.reported.state = 'ok' AND properties.desired.mode != 'Low'", true],
    ['FROM devices.modules WHERE tags.level > 3', false],
    ['FROM devices.modules WHERE tags.missing = 1', false],
    // These conditions cannot be evaluated from the twin, so they match.
    ["connectionState = 'Connected'", true],
    ['SELECT nonsense', true],
  ])('%j applies to a twin: %s', (condition, applies) => {
    expect(targetPredicate(condition)(seen)).toBe(applies);
  });

  it('can use capabilities.iotEdge of a device', () => {
    const isEdge = targetPredicate('capabilities.iotEdge = true');
    expect(isEdge(twin({}, { capabilities: { iotEdge: true } }, ''))).toBe(true);
    expect(isEdge(twin({}, {}, ''))).toBe(false);
  });
});

describe('a path that a configuration competes for', () => {
  const onSite = "FROM devices.modules WHERE tags.site = 'plant'";
  const setting = {
    configuration: 'c',
    targetCondition: onSite,
    priority: 1,
    about: 'module',
    policy: 'p',
    module: 'M',
    path: 'a',
    theirs: 2,
    overridden: false,
  } as const;
  const inPlant = { twins: new Map([['M', twin({ a: 2 }, { tags: { site: 'plant' } })]]) };
  const elsewhere = { twins: new Map([['M', twin({ a: 2 }, { tags: { site: 'office' } })]]) };

  function guardWith(...competing: (typeof setting | (Omit<typeof setting, 'overridden'> & { overridden: true }))[]) {
    const memory = memoryStore();
    memory.state.competing = competing;
    const { clock, advance } = manualClock();
    return { guard: competingGuard({ store: memory.store, clock }), advance, ...memory };
  }

  it('is left alone only on twins that the configuration targets', async () => {
    const { guard } = guardWith(setting);
    const wrong = departure('a');
    const held = await guard.review(review([wrong, departure('b'), departure('a', { policy: 'q' })], inPlant));
    expect([...held]).toEqual([[wrong, expect.stringMatching(/^competingConfiguration: .* c /)]]);
    expect((await guard.review(review([wrong], elsewhere))).size).toBe(0);
  });

  it('does not stop the creation of a module', async () => {
    const { guard } = guardWith(setting);
    const created = departure('', { kind: 'missingModule', actual: undefined });
    expect((await guard.review(review([created], { twins: new Map() }))).size).toBe(0);
  });

  it('is mended when the policy overrides configurations', async () => {
    const { guard } = guardWith({ ...setting, overridden: true });
    expect((await guard.review(review([departure('a')], inPlant))).size).toBe(0);
  });

  it('has a reason with the same configuration for any order of the settings', async () => {
    const wrong = departure('a');
    const others = [setting, { ...setting, configuration: 'd' as 'c', priority: 5 as 1 }];
    const reasons = await Promise.all(
      [others, others.toReversed()].map(async (list) => {
        return (await guardWith(...list).guard.review(review([wrong], inPlant))).get(wrong);
      }),
    );
    expect(reasons[0]).toContain(' d ');
    expect(reasons[1]).toBe(reasons[0]);
  });

  it('is read again after ten seconds', async () => {
    const { guard, state, reads, advance } = guardWith(setting);
    const wrong = departure('a');
    await Promise.all([1, 2, 3].map(() => guard.review(review([wrong], inPlant))));
    state.competing = [];
    advance(minute / 6 - 1);
    expect((await guard.review(review([wrong], inPlant))).size).toBe(1);
    expect(reads.competing).toBe(1);
    advance(1);
    expect((await guard.review(review([wrong], inPlant))).size).toBe(0);
    expect(reads.competing).toBe(2);
  });

  it('makes the guard throw while storage does not answer', async () => {
    const { guard, state } = guardWith(setting);
    state.broken = true;
    await expect(guard.review(review([departure('a')], inPlant))).rejects.toThrow('storage does not answer');
    state.broken = false;
    expect((await guard.review(review([departure('a')], inPlant))).size).toBe(1);
  });
});
