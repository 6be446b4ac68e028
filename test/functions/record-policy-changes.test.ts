import { describe, expect, it } from 'vitest';
import { policyChanges, recordPolicyChanges } from '../../functions/record-policy-changes.ts';
import { createActionLog } from '../../shared/actions/index.ts';
import { createPolicyVersions } from '../../shared/evidence/index.ts';
import { type Mode, type PolicyDefinition, policyHash, toPolicySet } from '../../shared/policy/index.ts';
import { newStorageAccount } from '../support/storage.ts';

const agent: PolicyDefinition = { name: 'agent', module: 'm', desired: { size: 1 } };
const wider: PolicyDefinition = { ...agent, desired: { size: 2 } };
const other: PolicyDefinition = { name: 'other', module: 'n', desired: { a: true } };
const set = (definitions: readonly PolicyDefinition[], mode: Mode = 'enforce') => toPolicySet(definitions, { mode });
const hashOf = (definition: PolicyDefinition) => set([definition]).all.map(policyHash)[0];

describe('changes of policies', () => {
  it('are recorded once, as noticed by the app, also when a process dies before the new policies are kept', async () => {
    const { endpoints } = await newStorageAccount();
    let time = Date.UTC(2026, 0, 1);
    const now = () => new Date(time);
    const [actions, policyVersions] = [
      createActionLog(endpoints, { now, appVersion: '1' }),
      createPolicyVersions(endpoints, now),
    ];
    /** Does what `roll-up` does, and returns the actions that it recorded, oldest first. */
    const rollUp = async (policies: ReturnType<typeof set>, isKilled = false) => {
      time += 300_000;
      const recording = policyVersions.record(policies.all, '1', async (before) => {
        await recordPolicyChanges(before, { actions, policies });
        if (isKilled) throw new Error('killed');
      });
      if (isKilled) await expect(recording).rejects.toThrow('killed');
      else await recording;
      const page = await actions.page({ from: now().toISOString() }, 100);
      expect(page.actions.every(({ by, result }) => by.type === 'app' && result === 'done')).toBe(true);
      return page.actions.map(({ action, target, detail }) => `${action} ${target.policy}: ${detail}`).toSorted();
    };
    expect(await rollUp(set([agent, other]))).toEqual([]);
    expect(await rollUp(set([agent, other]))).toEqual([]);
    const changed = [
      `policy agent: Version ${hashOf(agent)} became ${hashOf(wider)}.`,
      `policy other: The policy was taken out. Its version was ${hashOf(other)}.`,
    ];
    expect(await rollUp(set([wider]), true)).toEqual(changed);
    expect(await rollUp(set([wider]))).toEqual(changed);
    expect(await rollUp(set([wider]))).toEqual([]);
    expect(await rollUp(set([wider, other], 'audit'))).toEqual([
      'mode agent: Mode enforce became audit.',
      `policy other: The policy is new: version ${hashOf(other)}, mode audit.`,
    ]);
  });

  it('are none when nothing is known of before', () => {
    expect(policyChanges(undefined, set([agent]).all)).toEqual([]);
  });
});
