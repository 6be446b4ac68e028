import { describe, expect, it } from 'vitest';
import { competingSettings, describeCompeting } from '../../../shared/guards/index.ts';
import type { Configuration } from '../../../shared/hub/index.ts';
import {
  absent,
  between,
  byDefault,
  oneOf,
  type PolicyDefinition,
  repairValue,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { fc, policySets } from '../../support/arbitraries.ts';

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

/** The values that break the policy in a configuration with this content, by path. */
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

  describe('for IoT Edge devices', () => {
    const wanted = { mode: 'Low', timeout: 60, interval: 'PT2H', [section]: { eventPriorityLogin: { value: 'High' } } };
    const competing = (modulesContent: Readonly<Record<string, JsonObject>>, targetCondition = "tags.site = 'plant'") =>
      competingSettings(policiesOf(agent), [configuration({}, { modulesContent, targetCondition })]);
    const values = (content: JsonObject) =>
      Object.fromEntries(competing({ Agent: content, $edgeHub: {} }).map(({ path, theirs }) => [path, theirs]));

    it('competes with a policy when it replaces the desired properties of the module', () => {
      expect(values({ 'properties.desired': { [section]: {} } })).toEqual({
        mode: null,
        timeout: null,
        interval: null,
        [`${section}.eventPriorityLogin.value`]: null,
      });
      expect(values({ 'properties.desired': wanted })).toEqual({});
      expect(values({ 'properties.desired': { ...wanted, legacy: 1 } })).toEqual({ legacy: 1 });
    });

    it('competes with a policy when it sets a path of the module', () => {
      expect(values({ [`properties.desired.${section}.eventPriorityLogin.value`]: 'Off' })).toEqual({
        [`${section}.eventPriorityLogin.value`]: 'Off',
      });
      expect(values({ 'properties.desired': wanted, 'properties.desired.mode': 'Off' })).toEqual({ mode: 'Off' });
      expect(values({ 'properties.desired.mode': 'High' })).toEqual({});
    });

    it('is about modules of the devices that its condition selects', () => {
      const content = { Agent: { 'properties.desired.mode': 'Off' } };
      expect(competing(content)).toMatchObject([{ about: 'edgeModule', module: 'Agent', path: 'mode' }]);
      expect(competing(content).map(describeCompeting)).toEqual([expect.stringMatching(/^IoT Edge deployment c /)]);
      expect(competing(content, '*')).toHaveLength(1);
      expect(competing(content, '')).toEqual([]);
      expect(competing({ Other: { 'properties.desired.mode': 'Off' } })).toEqual([]);
    });

    it('does not concern the device twin', () => {
      const onDevices = policiesOf({ name: 'on-devices', desired: { mode: 'High' } });
      const modulesContent = { '': { 'properties.desired.mode': 'Off' } };
      expect(competingSettings(onDevices, [configuration({}, { modulesContent })])).toEqual([]);
    });
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
              return [[`properties.desired.${text}`, repairValue(rule) ?? null]];
            }),
          );
          expect(competingSettings([policy], [configuration(content)])).toEqual([]);
        }
      }),
    );
  });
});
