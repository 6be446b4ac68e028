import { describe, expect, it } from 'vitest';
import {
  absent,
  atLeast,
  atMost,
  between,
  byDefault,
  duration,
  exactly,
  matches,
  oneOf,
  optional,
  type PolicyDefinition,
  policyJsonSchema,
  type Rule,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import type { Json } from '../../../shared/twin/index.ts';
import { faultsOf } from './faults-of.ts';

describe('the JSON form of a policy', () => {
  it.each<[string, Rule | Json, Json]>([
    ['exactly', exactly({ x: [1] }), { $exactly: { x: [1] } }],
    ['a plain value', 'High', { $exactly: 'High' }],
    ['a plain list', [1, 2], { $exactly: [1, 2] }],
    ['byDefault', byDefault(5), { $byDefault: 5 }],
    ['oneOf', oneOf([1, 'a', { b: 2 }], { otherwise: 'a' }), { $oneOf: [1, 'a', { b: 2 }], $otherwise: 'a' }],
    ['between', between(-1.5, 2, { otherwise: 0 }), { $between: [-1.5, 2], $otherwise: 0 }],
    ['atLeast', atLeast(5), { $atLeast: 5 }],
    ['atLeast with otherwise', atLeast(5, { otherwise: 9 }), { $atLeast: 5, $otherwise: 9 }],
    ['atMost', atMost(5), { $atMost: 5 }],
    ['matches', matches('e*', { otherwise: 'e0' }), { $matches: 'e*', $otherwise: 'e0' }],
    ['duration', duration('PT1H'), { $duration: 'PT1H' }],
    ['duration with a bound', duration({ atMost: 'PT1H' }), { $duration: { atMost: 'PT1H' } }],
    [
      'duration with two bounds',
      duration({ atLeast: 'PT1M', atMost: 'PT1H' }, { otherwise: 'PT5M' }),
      { $duration: { atLeast: 'PT1M', atMost: 'PT1H' }, $otherwise: 'PT5M' },
    ],
    ['optional with a value', optional({ x: [1] }), { $optional: { x: [1] } }],
    ['optional with a rule', optional(atMost(3)), { $optional: { $atMost: 3 } }],
    ['absent', absent(), { $absent: true }],
  ])('expresses %s just as TypeScript does', (_, rule, json) => {
    const compile = (desired: unknown) =>
      toPolicySet([{ name: 'p', desired: { s: { a: desired } } } as PolicyDefinition], { mode: 'enforce' }).all[0]
        ?.owned;
    expect(compile(json)).toEqual(compile(rule));
    expect(compile(json)).toHaveLength(1);
  });

  it('has all fields of its JSON Schema', () => {
    const schema = policyJsonSchema() as {
      properties: Record<string, unknown>;
      required: string[];
      additionalProperties: unknown;
      $schema: string;
    };
    expect(schema.$schema).toContain('2020-12');
    expect(schema.required).toEqual(['name']);
    expect(schema.additionalProperties).toBe(false);
    expect(Object.keys(schema.properties).toSorted()).toEqual([
      '$schema',
      'appliesTo',
      'createModule',
      'description',
      'desired',
      'mode',
      'module',
      'moduleTags',
      'name',
      'overrideConfigurations',
      'reported',
    ]);
    // The app must accept a policy that has every field of the JSON Schema.
    const full = {
      $schema: './policy.schema.json',
      name: 'p',
      description: 'text',
      module: 'm',
      createModule: true,
      moduleTags: { a: 1 },
      mode: 'audit',
      appliesTo: { tags: { a: 1 }, edge: true, deviceId: 'x*' },
      desired: { a: 1 },
      reported: {
        mirrors: true,
        failure: { path: 'agent.state', value: 'failed', fields: 'agent.invalid' },
        graceMinutes: 0.5,
      },
      overrideConfigurations: true,
    };
    expect(Object.keys(full).toSorted()).toEqual(Object.keys(schema.properties).toSorted());
    expect(faultsOf(full)).toEqual([]);
    const text = JSON.stringify(schema);
    for (const rule of ['exactly', 'byDefault', 'oneOf', 'between', 'atLeast', 'atMost', 'matches', 'duration'])
      expect(text).toContain(`"$${rule}"`);
    for (const rule of ['optional', 'absent', 'otherwise']) expect(text).toContain(`"$${rule}"`);
  });
});
