/**
 * Random policies, twins and events, as arbitraries of fast-check. Policies and twins use the same few keys, so that rules often apply to
 * twins.
 */
import fc from 'fast-check';
import { etagOf, type Twin as HubTwin, newTwin, patchTwin, renderTwin } from '../../infra/local/hub/twin.ts';
import type { RawEvent } from '../../shared/events/index.ts';
import {
  absent,
  atLeast,
  atMost,
  between,
  byDefault,
  type DesiredRules,
  duration,
  exactly,
  matches,
  oneOf,
  optional,
  type PolicyDefinition,
  PolicyFaultsError,
  type PolicySet,
  type Rule,
  toPolicySet,
} from '../../shared/policy/index.ts';
import { type Json, type JsonObject, type Twin, toTwin } from '../../shared/twin/index.ts';
import { jsonObject, patchObject } from '../infra/local/hub/arbitraries.ts';

export { fc, jsonObject, patchObject };

/** Any value that `JSON.parse` can return. The value may contain keys that are special in JavaScript, such as `__proto__`. */
export const anyJson: fc.Arbitrary<unknown> = fc.oneof(fc.jsonValue(), jsonObject, patchObject);

const idCharacters = [..."ABCXYZabcxyz0189-.+%_#*?!(),:=@$'"];

/** Device ids with all kinds of characters that IoT Hub allows. */
export const deviceIds = fc
  .array(fc.constantFrom(...idCharacters), { minLength: 1, maxLength: 128 })
  .map((characters) => characters.join(''));

const key = fc.constantFrom('a', 'b', 'c', 'constructor', '__proto__', 'ms_iotn:urn');
const scalar: fc.Arbitrary<Json> = fc.oneof(
  fc.boolean(),
  fc.integer({ min: -3, max: 3 }),
  fc.constantFrom('', 'x', 'High'),
);
/**
 * Values that a rule may want. With `whole`, objects and lists are among the values. Without `whole`, there are only simple values: an
 * event may show only a part of an object, and a rule that wants an object needs the whole object.
 */
const wanted = (whole: boolean): fc.Arbitrary<Json> =>
  whole ? fc.oneof({ weight: 3, arbitrary: scalar }, fc.array(scalar, { maxLength: 2 }), jsonObject) : scalar;

const ruleOf = (value: fc.Arbitrary<Json>): fc.Arbitrary<Rule> =>
  fc.oneof(
    value.map(exactly),
    value.map(byDefault),
    fc.array(value, { minLength: 1, maxLength: 3 }).map((values) => oneOf(values, { otherwise: values[0] ?? '' })),
    fc
      .tuple(fc.integer({ min: -3, max: 0 }), fc.integer({ min: 0, max: 3 }))
      .map(([min, max]) => between(min, max, { otherwise: max })),
    fc.integer({ min: -3, max: 3 }).map((min) => atLeast(min)),
    fc.integer({ min: -3, max: 3 }).map((max) => atMost(max)),
    fc.constantFrom(duration('PT1H'), matches('x*', { otherwise: 'x' }), matches('*i*', { otherwise: 'High' })),
    fc.constantFrom(optional(atLeast(0)), optional(exactly('x')), optional(oneOf([true, 1], { otherwise: 1 }))),
    fc.constant(absent()),
  );

const rulesOf = (rule: fc.Arbitrary<Rule>, depth: number): fc.Arbitrary<DesiredRules> =>
  fc
    .uniqueArray(
      fc.tuple(key, depth === 0 ? rule : fc.oneof({ weight: 2, arbitrary: rule }, rulesOf(rule, depth - 1))),
      {
        selector: ([name]) => name,
        minLength: 1,
        maxLength: 4,
      },
    )
    .map((entries) => Object.fromEntries(entries));

export interface PolicyChoice {
  /** Whether rules may want objects and lists as values. Default: true. */
  readonly objects?: boolean;
  readonly mode?: 'enforce';
}

const definitionOf = ({ objects = true, mode }: PolicyChoice): fc.Arbitrary<PolicyDefinition> =>
  fc.record({
    name: fc.stringMatching(/^[a-z]{1,8}$/),
    module: fc.constantFrom('A', 'B'),
    createModule: fc.boolean(),
    mode: mode === undefined ? fc.constantFrom('enforce', 'audit') : fc.constant(mode),
    desired: rulesOf(ruleOf(wanted(objects)), 2),
  });

/** Sets of one to three policies that do not conflict with each other. */
export const policySets = (choice: PolicyChoice = {}): fc.Arbitrary<PolicySet> =>
  fc.array(definitionOf(choice), { minLength: 1, maxLength: 3 }).map((definitions) => {
    let set = toPolicySet([], { mode: 'enforce' });
    const kept: PolicyDefinition[] = [];
    for (const definition of definitions) {
      try {
        set = toPolicySet([...kept, definition], { mode: 'enforce' });
        kept.push(definition);
      } catch (error) {
        if (!(error instanceof PolicyFaultsError)) throw error;
      }
    }
    return set;
  });

/** A twin of the local hub after at most two patches, with metadata at every level. */
export const hubTwins: fc.Arbitrary<HubTwin> = fc
  .tuple(jsonObject, fc.array(patchObject, { maxLength: 2 }))
  .map(([desired, patches]) =>
    patches.reduce(
      (twin, patch, index) => patchTwin(twin, { desired: patch }, hour * (index + 1)).twin,
      newTwin({ desired }, hour),
    ),
  );

const hour = 3_600_000;

/** Converts a twin of the local hub to the twin that the hub client returns. */
export function readTwin(twin: HubTwin, deviceId: string, moduleId: string): Twin {
  const read = toTwin({ etag: etagOf(twin), ...renderTwin(twin) }, deviceId, moduleId);
  if (read === undefined) throw new Error('The local hub rendered something that is not a twin.');
  return read;
}

/** Builds an event in the form in which the event hub trigger passes it to the function. */
export function rawEvent(
  opType: string,
  body: unknown,
  deviceId: string,
  moduleId = '',
  source = 'twinChangeEvents',
): RawEvent {
  return {
    body,
    properties: {
      hubName: 'test-hub',
      deviceId,
      ...(moduleId === '' ? {} : { moduleId }),
      operationTimestamp: '2026-01-02T03:04:05.1234567Z',
      opType,
    },
    systemProperties: {
      'iothub-connection-device-id': deviceId,
      ...(moduleId === '' ? {} : { 'iothub-connection-module-id': moduleId }),
      'iothub-message-source': source,
      'correlation-id': 'c0ffee',
    },
  };
}

/** Events with real or unknown operations, but with any JSON as their content. */
export const hostileEvents: fc.Arbitrary<RawEvent> = fc
  .tuple(
    fc.constantFrom(
      'updateTwin',
      'replaceTwin',
      'createDeviceIdentity',
      'deleteDeviceIdentity',
      'createModuleIdentity',
      'x',
    ),
    fc.oneof(
      anyJson,
      fc.record({ desired: anyJson, reported: anyJson }, { requiredKeys: [] }).map((properties) => ({ properties })),
      fc.record(
        { properties: fc.record({ desired: withMetadata() }), tags: jsonObject, version: anyJson },
        { requiredKeys: ['properties'] },
      ),
      fc.record(
        { properties: anyJson, tags: anyJson, version: anyJson, etag: anyJson, capabilities: anyJson },
        { requiredKeys: [] },
      ),
    ),
    fc.constantFrom('', 'A', 'B'),
    fc.dictionary(fc.constantFrom('deviceId', 'opType', 'moduleId', 'operationTimestamp', '__proto__'), anyJson, {
      maxKeys: 1,
    }),
    fc.dictionary(fc.constantFrom('iothub-message-source', 'correlation-id', 'constructor'), anyJson, { maxKeys: 1 }),
  )
  .map(([opType, body, moduleId, properties, systemProperties]) => {
    const event = rawEvent(opType, body, 'device', moduleId);
    return {
      ...event,
      properties: { ...event.properties, ...properties },
      systemProperties: { ...event.systemProperties, ...systemProperties },
    };
  });

/** A `desired` or `reported` section of a twin. Its `$metadata` and `$version` contain any JSON. */
function withMetadata(): fc.Arbitrary<JsonObject> {
  const stamp = fc.record({ $lastUpdated: anyJson, $lastUpdatedVersion: anyJson }, { requiredKeys: [] });
  return fc
    .tuple(patchObject, stamp, patchObject, anyJson)
    .map(([values, at, inner, $version]) => ({ ...values, $metadata: { ...inner, ...at }, $version }) as JsonObject);
}
