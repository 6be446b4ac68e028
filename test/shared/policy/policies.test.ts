import { describe, expect, it } from 'vitest';
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import defenderMicroAgent from '../../../functions/policies/defender-micro-agent.ts';
import {
  absent,
  baselineOf,
  between,
  byDefault,
  checkRule,
  definePolicy,
  exactly,
  oneOf,
  type PolicyDefinition,
  PolicyFaultsError,
  policyJsonSchema,
  type Rule,
  toPolicySet,
} from '../../../shared/policy/index.ts';
import { areDisjoint, toMatcher } from '../../../shared/policy/scope.ts';
import { isJsonObject, type Json, jsonEquals, setAt } from '../../../shared/twin/index.ts';
import { deviceIds, fc, jsonObject } from '../../support/arbitraries.ts';

const builtIn = [azureiotsecurity, defenderMicroAgent];

/** What is wrong with these policies, as `policy at path: message`; nothing when they are taken. */
function faultsOf(...definitions: readonly unknown[]): readonly string[] {
  try {
    toPolicySet(definitions as PolicyDefinition[], { mode: 'enforce' });
    return [];
  } catch (error) {
    if (!(error instanceof PolicyFaultsError)) throw error;
    for (const { policy, path, message } of error.faults) {
      expect(error.message).toContain(`${policy}${path === '' ? '' : ` at ${path}`}: ${message}`);
    }
    return error.faults.map(({ policy, path, message }) => `${policy} at ${path}: ${message}`);
  }
}

describe('a policy that is wrong', () => {
  it.each<[string, unknown, string]>([
    ['no object', 5, 'policy 1 at '],
    ['nothing', undefined, 'policy 1 at '],
    ['null', null, 'policy 1 at '],
    ['an array', [], 'policy 1 at '],
    ['without a name', { desired: { a: 1 } }, 'policy 1 at name'],
    [
      'with a name that is not kebab-case',
      { name: 'My Policy', desired: { a: 1 } },
      'My Policy at name: must be kebab-case',
    ],
    ['with a key nobody knows', { name: 'p', desird: { a: 1 } }, 'p at : '],
    [
      'with a mode nobody knows',
      { name: 'p', mode: 'watch', desired: { a: 1 } },
      'p at mode: must be enforce or audit',
    ],
    ['with a module that cannot be', { name: 'p', module: 'a b', desired: { a: 1 } }, 'p at module: '],
    [
      'about a module of IoT Edge',
      { name: 'p', module: '$edgeAgent', desired: { a: 1 } },
      'p at module: $edgeAgent belongs to IoT Edge',
    ],
    ['that creates no module in particular', { name: 'p', createModule: true }, 'p at createModule: needs a module'],
    ['that asks for nothing', { name: 'p', module: 'm' }, 'p at : asks for nothing'],
    ['that watches for nothing', { name: 'p', desired: { a: 1 }, watches: ['tags'] }, 'p at watches: '],
    [
      'that watches what does not exist',
      { name: 'p', evaluate: () => [], watches: ['state'] },
      'p at watches.0: must start with',
    ],
    ['whose desired is a list', { name: 'p', desired: [] }, 'p at desired.: desired must be an object'],
    ['whose desired is a rule', { name: 'p', desired: exactly(1) }, 'p at desired.: desired must be an object'],
    ['with null', { name: 'p', desired: { a: null } }, 'p at desired.a: null is no value for a twin'],
    ['with a function', { name: 'p', desired: { a: () => 1 } }, 'p at desired.a: a function is neither'],
    ['with undefined', { name: 'p', desired: { a: undefined } }, 'p at desired.a: undefined is neither'],
    [
      'with a date',
      { name: 'p', desired: { a: new Date(0) } },
      'p at desired.a: "1970-01-01T00:00:00.000Z" is neither',
    ],
    ['with an empty section', { name: 'p', desired: { a: {} } }, 'p at desired.a: an empty object says nothing'],
    ['with a rule nobody knows', { name: 'p', desired: { a: { $like: 1 } } }, 'p at desired.a: unknown rule "$like"'],
    [
      'with two rules at one path',
      { name: 'p', desired: { a: { $exactly: 1, $absent: true } } },
      'p at desired.a: one rule must stand',
    ],
    [
      'with a rule and a property',
      { name: 'p', desired: { a: { $exactly: 1, b: 2 } } },
      'p at desired.a: one rule must stand',
    ],
    [
      'with $otherwise too many',
      { name: 'p', desired: { a: { $exactly: 1, $otherwise: 2 } } },
      'p at desired.a: $otherwise goes with',
    ],
    ['without $otherwise', { name: 'p', desired: { a: { $oneOf: [1] } } }, 'p at desired.a: $otherwise goes with'],
    ['with only $otherwise', { name: 'p', desired: { a: { $otherwise: 1 } } }, 'p at desired.a: one rule must stand'],
    ['with $absent false', { name: 'p', desired: { a: { $absent: false } } }, 'p at desired.a: $absent takes true'],
    [
      'with $oneOf of no list',
      { name: 'p', desired: { a: { $oneOf: 1, $otherwise: 1 } } },
      'p at desired.a: $oneOf takes a list',
    ],
    [
      'with $between of three',
      { name: 'p', desired: { a: { $between: [1, 2, 3], $otherwise: 1 } } },
      'p at desired.a: $between takes',
    ],
    [
      'with oneOf nothing',
      { name: 'p', desired: { a: oneOf([], { otherwise: 1 }) } },
      'p at desired.a: oneOf needs at least one',
    ],
    [
      'with oneOf that mends with another',
      { name: 'p', desired: { a: oneOf([1], { otherwise: 2 }) } },
      'p at desired.a: oneOf would mend with 2',
    ],
    [
      'with bounds the wrong way round',
      { name: 'p', desired: { a: between(2, 1, { otherwise: 1 }) } },
      'p at desired.a: between has its bounds',
    ],
    [
      'with between that mends outside',
      { name: 'p', desired: { a: between(1, 2, { otherwise: 3 }) } },
      'p at desired.a: between would mend with 3',
    ],
    [
      'with between of text',
      { name: 'p', desired: { a: between('1' as never, 2, { otherwise: 2 }) } },
      'p at desired.a: between needs a number as min',
    ],
    [
      'with between to infinity',
      { name: 'p', desired: { a: between(1, Number.POSITIVE_INFINITY, { otherwise: 2 }) } },
      'p at desired.a: between needs a number as max',
    ],
    ['with a key with a dot', { name: 'p', desired: { 'a.b': 1 } }, 'p at desired.a.b: the key "a.b" holds "."'],
    ['with a long string', { name: 'p', desired: { a: 'x'.repeat(4097) } }, 'p at desired.a: a string of 4097 bytes'],
    [
      'with an integer too large',
      { name: 'p', desired: { a: 2 ** 53 } },
      'p at desired.a: 9007199254740992 is outside',
    ],
    [
      'with a null deep inside a value',
      { name: 'p', desired: { a: exactly({ b: null }) } },
      'p at desired.a: at a.b: null cannot be stored',
    ],
    ['that removes what cannot be', { name: 'p', desired: { 'a b': absent() } }, 'p at desired.a b: the key "a b"'],
    [
      'with tags too large',
      {
        name: 'p',
        module: 'm',
        createModule: true,
        moduleTags: { a: 'x'.repeat(4000), b: 'x'.repeat(4000), c: 'x'.repeat(300) },
      },
      'p at moduleTags: larger than',
    ],
    [
      'with tags that cannot be',
      { name: 'p', module: 'm', createModule: true, moduleTags: { a: null } },
      'p at moduleTags.a: null cannot be stored',
    ],
    [
      'with a baseline too large',
      { name: 'p', desired: Object.fromEntries(Array.from({ length: 9 }, (_, n) => [`k${n}`, 'x'.repeat(4000)])) },
      'p at desired: a baseline of 36018 bytes',
    ],
    ['with a scope nobody knows', { name: 'p', appliesTo: { device: 'x' }, desired: { a: 1 } }, 'p at appliesTo'],
    ['with an empty pattern', { name: 'p', appliesTo: { deviceId: '' }, desired: { a: 1 } }, 'p at appliesTo'],
  ])('%s is refused with policy and path', (_, definition, fault) => {
    expect(faultsOf(definition)).toEqual(expect.arrayContaining([expect.stringContaining(fault)]));
  });

  it('is refused together with all others that are, each fault named', () => {
    const faults = faultsOf(
      { name: 'one', mode: 'x', desired: { a: null, b: { $like: 1 }, s: { c: 'x'.repeat(5000) } } },
      { name: 'two', module: 'm', desired: { x: 1 } },
      { name: 'three', module: 'm', desired: { x: 2 } },
      { name: 'two', desired: { z: 1 } },
    );
    expect(faults.map((fault) => fault.split(':')[0])).toEqual([
      'one at mode',
      'one at desired.a',
      'one at desired.b',
      'one at desired.s.c',
      'two at name',
      'three at desired.x',
    ]);
  });

  it('of any JSON is refused or taken, and nothing else', () => {
    const definitions = fc.oneof(
      jsonObject,
      jsonObject.map((desired) => ({ name: 'p', desired })),
      fc.jsonValue().map((desired) => ({ name: 'p', desired })),
      fc.dictionary(
        fc.constantFrom('name', 'module', 'mode', 'appliesTo', 'desired', '__proto__', 'watches', 'reported'),
        fc.jsonValue(),
      ),
    );
    fc.assert(
      fc.property(fc.array(definitions, { maxLength: 3 }), (several) => void faultsOf(...several)),
      { numRuns: 300 },
    );
    expect(Object.keys(Object.prototype)).toEqual([]);
  });
});

describe('policies of which one is wrong in itself', () => {
  it('are held against each other all the same, so that one message says everything', () => {
    const first = { name: 'first', module: 'm', desired: { a: 1 } };
    const wrong = { name: 'wrong', module: 'm', desired: { a: 2 }, colour: 'red', appliesTo: { tagz: 1, edge: 'no' } };
    const large = { name: 'first', module: 'm', desired: { a: 3, b: Array(20).fill('x'.repeat(2000)) } };
    const check = () => toPolicySet([first, wrong as never, large], { mode: 'enforce' });
    expect(check).toThrow(/wrong: .*colour/);
    expect(check).toThrow(/wrong at appliesTo: .*tagz/);
    expect(check).toThrow(/wrong at appliesTo\.edge/);
    expect(check).toThrow(/wrong at desired\.a: wants exactly\(2\), but the policy first wants exactly\(1\)/);
    expect(check).toThrow(/first at desired: a baseline of/);
    expect(check).toThrow(/first at name: another policy has this name/);
  });
});

describe('two policies', () => {
  const one = { name: 'one', module: 'm', desired: { a: exactly(1), s: { x: true } } };

  it.each<[string, object, boolean]>([
    ['that want the same', { desired: { a: 1 } }, false],
    ['of which one says it in JSON', { desired: { a: { $exactly: 1 } } }, false],
    ['that want different values', { desired: { a: 2 } }, true],
    ['of which one has only a default', { desired: { a: byDefault(1) } }, true],
    ['of which one wants it gone', { desired: { a: absent() } }, true],
    ['of which one owns what is above', { desired: { s: exactly({ x: true }) } }, true],
    ['of which one owns what is below', { desired: { a: { deep: 1 } } }, true],
    ['side by side', { desired: { b: 2, s: { y: true } } }, false],
    ['about different modules', { module: 'n', desired: { a: 2 } }, false],
  ])('%s conflict: %s %s', (_, other, conflict) => {
    const faults = faultsOf(one, { name: 'two', module: 'm', ...other });
    expect(faults.length > 0).toBe(conflict);
    for (const fault of faults) expect(fault).toMatch(/^two at desired\.\S+: wants .* but the policy one wants /);
  });

  it.each<[string, PolicyDefinition['appliesTo'], PolicyDefinition['appliesTo'], boolean]>([
    ['edge and not edge', { edge: true }, { edge: false }, true],
    ['edge and anything', { edge: true }, {}, false],
    ['two values of one tag', { tags: { env: 'test' } }, { tags: { env: 'production' } }, true],
    ['two values of a deep tag', { tags: { site: { hall: 1 } } }, { tags: { site: { hall: 2 } } }, true],
    ['an object and a value of one tag', { tags: { site: { hall: 1 } } }, { tags: { site: 'x' } }, true],
    ['different tags', { tags: { env: 'test' } }, { tags: { site: 'x' } }, false],
    ['a function', () => true, { edge: false }, false],
    ['nothing said', undefined, { edge: false }, false],
  ])('for %s', (_, left, right, disjoint) => {
    expect(areDisjoint(left, right)).toBe(disjoint);
    expect(areDisjoint(right, left)).toBe(disjoint);
    const scoped = (appliesTo: PolicyDefinition['appliesTo']) => (appliesTo === undefined ? {} : { appliesTo });
    const faults = faultsOf(
      { ...one, ...scoped(left) },
      { name: 'two', module: 'm', desired: { a: 2 }, ...scoped(right) },
    );
    expect(faults.length).toBe(disjoint ? 0 : 1);
  });

  it('called disjoint have no device in common', () => {
    const tags = fc.oneof(
      jsonObject,
      fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom<Json>(1, 2, { c: 1 }, {}), { maxKeys: 2 }),
    );
    const scopes = fc.record({ tags, edge: fc.boolean() }, { requiredKeys: [] });
    fc.assert(
      fc.property(scopes, scopes, tags, fc.boolean(), (left, right, its, edge) => {
        const device = { deviceId: 'd', tags: its, edge };
        if (areDisjoint(left, right))
          expect(toMatcher(left).matches(device) && toMatcher(right).matches(device)).toBe(false);
      }),
      { numRuns: 500 },
    );
  });
});

describe('the JSON form of a policy', () => {
  it.each<[string, Rule | Json, Json]>([
    ['exactly', exactly({ x: [1] }), { $exactly: { x: [1] } }],
    ['a plain value', 'High', { $exactly: 'High' }],
    ['a plain list', [1, 2], { $exactly: [1, 2] }],
    ['byDefault', byDefault(5), { $byDefault: 5 }],
    ['oneOf', oneOf([1, 'a', { b: 2 }], { otherwise: 'a' }), { $oneOf: [1, 'a', { b: 2 }], $otherwise: 'a' }],
    ['between', between(-1.5, 2, { otherwise: 0 }), { $between: [-1.5, 2], $otherwise: 0 }],
    ['absent', absent(), { $absent: true }],
  ])('says %s as well as TypeScript does', (_, rule, json) => {
    const compile = (desired: unknown) =>
      toPolicySet([{ name: 'p', desired: { s: { a: desired } } } as PolicyDefinition], { mode: 'enforce' }).all[0]
        ?.owned;
    expect(compile(json)).toEqual(compile(rule));
    expect(compile(json)).toHaveLength(1);
  });

  it('is what its JSON Schema describes', () => {
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
    // What the schema lists, the app takes.
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
    for (const rule of ['$exactly', '$byDefault', '$oneOf', '$between', '$absent', '$otherwise'])
      expect(text).toContain(`"${rule}"`);
  });
});

describe('a rule', () => {
  it('is kept by the value that mends it, and only oneOf, between and exactly mind another', () => {
    const values = fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom<Json>('x', true, [1]), jsonObject);
    fc.assert(
      fc.property(values, values, values, (wanted, other, actual) => {
        expect(checkRule(exactly(wanted), actual)).toBe(jsonEquals(wanted, actual) ? undefined : 'wrongValue');
        expect(checkRule(byDefault(wanted), actual)).toBeUndefined();
        expect(checkRule(oneOf([wanted, other], { otherwise: wanted }), actual)).toBe(
          jsonEquals(wanted, actual) || jsonEquals(other, actual) ? undefined : 'wrongValue',
        );
        expect(checkRule(between(-2, 2, { otherwise: 0 }), actual)).toBe(
          typeof actual === 'number' && Math.abs(actual) <= 2 ? undefined : 'wrongValue',
        );
        expect(checkRule(absent(), actual)).toBe('forbiddenProperty');
        for (const rule of [
          exactly(wanted),
          byDefault(wanted),
          oneOf([wanted], { otherwise: wanted }),
          between(0, 1, { otherwise: 1 }),
        ]) {
          expect(checkRule(rule, undefined)).toBe('missingProperty');
        }
        expect(checkRule(absent(), undefined)).toBeUndefined();
      }),
    );
  });
});

describe('a scope', () => {
  const fits = (glob: string, id: string) => toMatcher({ deviceId: glob }).mayMatchId(id);

  it('fits every id with *, and one id with itself when what it holds is escaped', () => {
    fc.assert(
      fc.property(deviceIds, deviceIds, (id, other) => {
        expect(fits('*', id)).toBe(true);
        const literal = id.replaceAll('*', '\\*');
        expect(fits(literal, id)).toBe(true);
        expect(fits(literal, other)).toBe(id === other);
        expect(fits(`${literal}*`, `${id}${other}`)).toBe(true);
        expect(fits(`*${literal}`, `${other}${id}`)).toBe(true);
      }),
    );
  });

  it.each([
    ['plant-*', 'plant-7', true],
    ['plant-*', 'Plant-7', false],
    ['plant-*', 'x-plant-7', false],
    ['plant-**7', 'plant-7', true],
    ['a.c', 'abc', false],
    ['a+', 'aa', false],
    ['(a)?', '(a)?', true],
    ['$a', '$a', true],
    ['a\\*b', 'a*b', true],
    ['a\\*b', 'axb', false],
    ['[ab]', 'a', false],
    ['*-*-*', 'a-b-c', true],
    ['*-*-*', 'a-b', false],
  ])('of %s fits %s: %s', (glob, id, expected) => {
    expect(fits(glob, id)).toBe(expected);
  });

  it('of many asterisks is asked in no time', () => {
    const id = 'a'.repeat(127);
    expect(fits(`${'*a'.repeat(30)}*b`, `${id}c`)).toBe(false);
  });

  it('fits a device only in all of its parts', () => {
    const matcher = toMatcher({ tags: { env: 'p', site: { hall: 1 } }, edge: false, deviceId: 'd*' });
    const device = { deviceId: 'd1', tags: { env: 'p', site: { hall: 1, row: 2 }, more: 1 }, edge: false };
    expect(matcher.matches(device)).toBe(true);
    for (const change of [
      { deviceId: 'x' },
      { edge: true },
      { tags: {} },
      { tags: { ...device.tags, site: { row: 2 } } },
      { tags: { ...device.tags, env: ['p'] } },
    ]) {
      expect(matcher.matches({ ...device, ...change })).toBe(false);
    }
    expect(matcher.byIdAlone).toBe(false);
    expect(toMatcher({ deviceId: 'd*' }).byIdAlone).toBe(true);
  });

  it('never finds a tag in a prototype', () => {
    expect(
      toMatcher({ tags: { constructor: { name: 'Object' } } }).matches({ deviceId: 'd', tags: {}, edge: false }),
    ).toBe(false);
  });
});

describe('the built-in policies', () => {
  const set = toPolicySet(builtIn, { mode: 'enforce' });
  const named = (name: string) => {
    const policy = set.all.find((candidate) => candidate.name === name);
    if (policy === undefined) throw new Error(`There is no ${name}.`);
    return policy;
  };

  it('are valid, together and as an audit', () => {
    expect(set.createdModules).toEqual(['azureiotsecurity', 'DefenderIotMicroAgent']);
    expect(toPolicySet(builtIn, { mode: 'audit' }).all.map(({ mode }) => mode)).toEqual(['audit', 'audit']);
  });

  it('give the security agent the defaults of its vendor', () => {
    const priorities = {
      High: ['ListeningPorts', 'LocalUsers', 'Login'],
      Low: [
        ...[
          'ConnectedHardware',
          'ProcessCreate',
          'ProcessTerminate',
          'SystemInformation',
          'ConnectionCreate',
          'FirewallConfiguration',
        ],
        ...['OSBaseline', 'Diagnostic', 'ConfigurationError', 'DroppedEventsStatistics', 'MessageStatistics'],
      ],
    };
    const settings: [string, Json][] = [
      ['highPriorityMessageFrequency', 'PT7M'],
      ['lowPriorityMessageFrequency', 'PT5H'],
      ['snapshotFrequency', 'PT13H'],
      ['maxLocalCacheSizeInBytes', 2560000],
      ['maxMessageSizeInBytes', 204800],
      ...Object.entries(priorities).flatMap(([priority, events]) =>
        events.map((event): [string, Json] => [`eventPriority${event}`, priority]),
      ),
      ...['ProcessCreate', 'ConnectionCreate', 'ProcessTerminate'].flatMap((event): [string, Json][] => [
        [`aggregationEnabled${event}`, true],
        [`aggregationInterval${event}`, 'PT1H'],
      ]),
    ];
    expect(baselineOf(named('azureiotsecurity'))).toEqual({
      'ms_iotn:urn_azureiot_Security_SecurityAgentConfiguration': Object.fromEntries(
        settings.map(([key, value]) => [key, { value }]),
      ),
    });
    expect(named('azureiotsecurity')).toMatchObject({ createModule: true, moduleTags: { securityGroup: 'default' } });
  });

  it('give the micro agent the defaults of its vendor', () => {
    const frequencies = {
      Low: [
        'Baseline',
        'SystemInformation',
        'SBoM',
        'Heartbeat',
        'LogCollector',
        'FileSystem',
        'Peripheral',
        'Statistics',
      ],
      Medium: ['Login', 'NetworkActivity', 'Process'],
    };
    const collectors = Object.entries(frequencies).flatMap(([frequency, names]) =>
      names.flatMap((name) => [
        [`${name}_Disabled`, false],
        [`${name}_MessageFrequency`, frequency],
      ]),
    );
    expect(baselineOf(named('defender-micro-agent'))).toEqual({
      ...Object.fromEntries(collectors),
      CollectorsCore_PriorityIntervals: '30,120,1440',
      IothubModule_MessageTimeout: 2880,
      Baseline_GroupsDisabled: '',
      Baseline_ChecksDisabled: '',
      Login_UsePAM: false,
      NetworkActivity_Devices: 'eth0',
      NetworkActivity_CacheSize: 256,
      NetworkActivity_PacketBufferSize: 2097152,
      Process_PollingInterval: 100000,
      Process_Mode: 1,
      Process_CacheSize: 256,
      FileSystem_Recursive: true,
      FileSystem_CacheSize: 256,
      Peripheral_CacheSize: 256,
      Statistics_CacheSize: 256,
    });
  });

  it('know whose property a key is', () => {
    const owners = set.ownersOf('DefenderIotMicroAgent', 'Process_Mode');
    expect(owners.map(({ policy, property }) => [policy.name, property.text])).toEqual([
      ['defender-micro-agent', 'Process_Mode'],
    ]);
    expect(set.ownersOf('DefenderIotMicroAgent', 'constructor')).toEqual([]);
    expect(set.ownersOf('constructor', 'Process_Mode')).toEqual([]);
  });
});

describe('a baseline', () => {
  it('keeps every rule that does not ask for absence', () => {
    const desired = {
      a: byDefault(1),
      s: { x: between(1, 3, { otherwise: 2 }), gone: absent() },
      t: oneOf([[1], 2], { otherwise: [1] }),
    };
    const [policy] = toPolicySet([definePolicy({ name: 'p', desired })], { mode: 'enforce' }).all;
    if (policy === undefined) throw new Error('no policy');
    expect(baselineOf(policy)).toEqual(setAt({ a: 1, t: [1] }, ['s', 'x'], 2));
    expect(isJsonObject(baselineOf(policy))).toBe(true);
  });
});
