import { describe, expect, it } from 'vitest';
import { readExportLine } from '../../../../shared/hub/index.ts';
import type { Policy, PolicyDefinition } from '../../../../shared/policy/index.ts';
import { isOutOfLine } from '../../../../shared/reconcile/index.ts';
import { createExportJudge } from '../../../../shared/sweep/export/index.ts';
import type { JsonObject } from '../../../../shared/twin/index.ts';
import { fc } from '../../../support/arbitraries.ts';
import { policyOf, policyWithTwin, toPolicy } from '../where/policy-and-twin.ts';

const at = '2026-06-01T12:00:00.000Z';

type Evaluate = NonNullable<PolicyDefinition['evaluate']>;

/** The line of an export for the twin `m` of a device. A real export has neither metadata nor versions. */
function lineOf(desired: JsonObject, reported: JsonObject = {}, more: JsonObject = {}): string {
  const identity = { id: 'device', moduleId: 'm', eTag: 'MQ==', status: 'enabled', authentication: null };
  const twin = {
    twinETag: 'AAAAAAAAAAE=',
    tags: {},
    properties: { desired, reported },
    capabilities: { iotEdge: false },
  };
  return JSON.stringify({ ...identity, ...twin, ...more });
}

function judgedBy(policy: Policy, line: string) {
  const twin = readExportLine(line);
  if (twin === undefined) throw new Error('The line is no twin.');
  return createExportJudge(policy)([twin], at)[0];
}

/** What the line says about a policy for the module `m`. */
const judged = (definition: Partial<PolicyDefinition>, line: string) => judgedBy(policyOf(definition), line);

describe('an exported twin', () => {
  it('is never in line where the whole twin is out of line, and out of line only for a reason', () => {
    const verdicts = new Set<unknown>();
    fc.assert(
      fc.property(policyWithTwin({ objects: true }), fc.integer({ min: 0, max: 100 }), ({ policy, twin }, hours) => {
        const time = new Date(hours * 3600_000).toISOString();
        const line = lineOf(twin.desired.properties, twin.reported.properties);
        const exported = readExportLine(line);
        const verdict = exported === undefined ? 'no twin' : createExportJudge(policy)([exported], time)[0];
        verdicts.add(verdict);
        if (isOutOfLine(policy, twin, time)) expect(verdict).toBe('outOfLine');
        // Only a grace period that is not over can make the difference.
        else if (verdict !== 'inLine') expect(isOutOfLine(policy, twin, '2999-01-01T00:00:00Z')).toBe(true);
      }),
      { numRuns: 1000 },
    );
    expect([...verdicts].toSorted()).toEqual(['inLine', 'outOfLine']);
  });

  it.each<[string, Evaluate]>([
    ['the version', ({ version }) => (version > 5 ? [{ path: 'a' }] : [])],
    ['the ETag', ({ etag }) => (etag === '' ? [{ path: 'a' }] : [])],
    ['the metadata', ({ desired }) => (desired.metadata.$lastUpdated === undefined ? [{ path: 'a' }] : [])],
    ['the version of the report', ({ reported }) => (reported.version === 0 ? [{ path: 'a' }] : [])],
    ['the whole twin', (twin) => (JSON.stringify(twin).includes('x') ? [{ path: 'a' }] : [])],
  ])('is unclear where evaluate reads %s', (_, evaluate) => {
    expect(judged({ evaluate }, lineOf({ a: 1 }))).toBe('unclear');
  });

  it('is unclear where evaluate hides that it asked', () => {
    const evaluate: Evaluate = (twin) => {
      try {
        return twin.version > 0 ? [] : [];
      } catch {
        return [];
      }
    };
    expect(judged({ evaluate }, lineOf({ a: 1 }))).toBe('unclear');
  });

  it('shows evaluate its values, tags and report', () => {
    const evaluate: Evaluate = ({ desired, reported, tags, edge, deviceId, moduleId }) =>
      JSON.stringify([desired.properties, reported.properties, tags, edge, deviceId, moduleId]) ===
      '[{"a":1},{"b":2},{"c":3},false,"device","m"]'
        ? []
        : [{ path: 'a', expected: 2 }];
    expect(judged({ evaluate }, lineOf({ a: 1 }, { b: 2 }, { tags: { c: 3 } }))).toBe('inLine');
    expect(judged({ evaluate }, lineOf({ a: 2 }, { b: 2 }, { tags: { c: 3 } }))).toBe('outOfLine');
  });

  it('is unclear without its properties, and without what the policy reads', () => {
    const evaluate: Evaluate = () => [];
    const mirrors = { desired: { a: 1 }, reported: { mirrors: true } };
    expect(judged({ desired: { a: 1 } }, lineOf({}, {}, { properties: null }))).toBe('unclear');
    expect(judged(mirrors, lineOf({}, {}, { properties: { desired: { a: 1 } } }))).toBe('unclear');
    expect(judged({ desired: { a: 1 } }, lineOf({}, {}, { properties: { desired: { a: 1 } } }))).toBe('inLine');
    expect(judged({ evaluate }, lineOf({}, {}, { tags: null }))).toBe('unclear');
    expect(judged({ evaluate }, lineOf({}, {}, { capabilities: null }))).toBe('unclear');
  });

  it('is in line when its device is not in the scope', () => {
    const desired = { a: 1 };
    const device = { moduleId: null };
    const site = (tags: JsonObject | null) => lineOf({ a: 2 }, {}, { ...device, tags });
    expect(judged({ desired, appliesTo: { deviceId: 'x*' } }, lineOf({ a: 2 }))).toBe('inLine');
    const ofDevices = { name: 'devices', desired };
    const ofSite = { ...ofDevices, appliesTo: { tags: { site: 'x' } } };
    expect(judgedBy(toPolicy(ofSite), site({ site: 'y' }))).toBe('inLine');
    expect(judgedBy(toPolicy(ofSite), site({ site: 'x' }))).toBe('outOfLine');
    expect(judgedBy(toPolicy(ofSite), site(null))).toBe('outOfLine');
    // The line of a module does not have the tags of its device.
    expect(judged({ desired, appliesTo: { tags: { site: 'x' } } }, lineOf({ a: 2 }))).toBe('outOfLine');
    const appliesTo = () => {
      throw new Error('no answer');
    };
    expect(judgedBy(toPolicy({ ...ofDevices, appliesTo }), site({}))).toBe('outOfLine');
  });

  it('that takes evaluate too long counts as out of line, and the others do not', () => {
    const evaluate: Evaluate = ({ desired }) => {
      while (desired.properties.endless === true);
      return [];
    };
    const lines = Array.from({ length: 120 }, (_, index) => lineOf(index === 70 ? { endless: true } : {}));
    const twins = lines.flatMap((line) => readExportLine(line) ?? []);
    const verdicts = createExportJudge(policyOf({ evaluate }))(twins, at);
    expect(verdicts.flatMap((verdict, index) => (verdict === 'inLine' ? [] : [[index, verdict]]))).toEqual([
      [70, 'outOfLine'],
    ]);
  });
});
