import { beforeAll, describe, expect, it } from 'vitest';
import { createPolicyVersions, type InForce, type PolicyVersions } from '../../../shared/evidence/index.ts';
import { definePolicy, type PolicyDefinition, policyHash, toPolicySet } from '../../../shared/policy/index.ts';
import { newStorageAccount } from '../../support/storage.ts';

const begin = Date.UTC(2026, 0, 10);
const minute = 60_000;
let time = begin;
let versions: PolicyVersions;
beforeAll(async () => {
  const { endpoints } = await newStorageAccount();
  versions = createPolicyVersions(endpoints, () => new Date(time));
});

const agent: PolicyDefinition = { name: 'agent', module: 'm', desired: { size: 1 } };
const wider: PolicyDefinition = { ...agent, desired: { size: 2 } };
const other = definePolicy({ name: 'other', module: 'n', evaluate: () => [] });
const set = (...definitions: readonly PolicyDefinition[]) => toPolicySet(definitions, { mode: 'enforce' }).all;
const hashOf = (definition: PolicyDefinition) => set(definition).map(policyHash)[0];

/** Records the policies. Returns what was in force before, once for each change that was noticed. */
async function record(policies: Parameters<PolicyVersions['record']>[0], appVersion: string) {
  const changes: (InForce | undefined)[] = [];
  await versions.record(policies, appVersion, async (before) => void changes.push(before));
  return changes;
}

describe('the versions of policies', () => {
  it('keep each definition once, and say what was in force at any time', async () => {
    expect(await versions.at(new Date(time))).toBeUndefined();
    expect(await record(set(agent, other), '1.0.0')).toEqual([undefined]);
    time += minute;
    expect(await record(set(other, agent), '1.0.0')).toEqual([]);
    time += minute;
    expect(await record(set(wider), '1.1.0')).toMatchObject([{ appVersion: '1.0.0' }]);
    time += minute;
    await versions.record(set(agent, other), '1.1.0');

    const listed = await versions.list('agent');
    expect(listed).toEqual([
      {
        version: hashOf(wider),
        firstSeenAt: new Date(begin + 2 * minute).toISOString(),
        appVersion: '1.1.0',
        definition: { name: 'agent', module: 'm', desired: { size: 2 } },
      },
      {
        version: hashOf(agent),
        firstSeenAt: new Date(begin).toISOString(),
        appVersion: '1.0.0',
        definition: { name: 'agent', module: 'm', desired: { size: 1 } },
      },
    ]);
    expect((await versions.list('other')).map(({ definition }) => definition.evaluate)).toEqual([
      expect.stringMatching(/^function /),
    ]);
    expect(await versions.list('nobody')).toEqual([]);

    const inForce = async (after: number) => Object.keys((await versions.at(new Date(begin + after)))?.policies ?? {});
    expect(await inForce(-1)).toEqual([]);
    expect(await inForce(0)).toEqual(['agent', 'other']);
    expect(await inForce(1.9 * minute)).toEqual(['agent', 'other']);
    expect(await inForce(2 * minute)).toEqual(['agent']);
    expect(await inForce(9 * minute)).toEqual(['agent', 'other']);
  });

  it('tell that only the mode has changed', async () => {
    time += minute;
    const audited = toPolicySet([agent, other], { mode: 'audit' }).all;
    expect(await record(audited, '1.1.0')).toMatchObject([{ policies: { agent: { mode: 'enforce' } } }]);
    expect(await versions.at(new Date(time))).toMatchObject({ policies: { agent: { mode: 'audit' } } });
  });
});
