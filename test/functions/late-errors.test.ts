import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import type { App } from '../../functions/compose.ts';
import { watchLateErrors } from '../../functions/late-errors.ts';
import { definePolicy } from '../../shared/policy/index.ts';
import { brief, newDeviceId, startWorld, type World } from '../support/world.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.close());

it('an error that a policy function throws later is recorded as a policyError, and other policies go on', async () => {
  const late = definePolicy({
    name: 'late',
    module: 'Agent',
    evaluate: () => {
      setTimeout(() => {
        throw new Error('too late');
      }, 1);
      return [];
    },
  });
  const lateScope = definePolicy({
    name: 'late-scope',
    module: 'Agent',
    desired: { b: 1 },
    appliesTo: () => {
      setTimeout(() => {
        throw new Error('much too late');
      }, 1);
      return false;
    },
  });
  const plain = definePolicy({ name: 'plain', module: 'Agent', desired: { a: 1 } });
  const { reconciler, processor, newEvents } = world.withPolicies([late, lateScope, plain]);
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {});
  watchLateErrors({
    policies: reconciler.policies,
    reconcilerFor: () => reconciler,
    now: () => new Date(),
  } as unknown as App);

  const deviceId = newDeviceId();
  await world.operator.addDevices([{ deviceId }] as never);
  await world.operator.addModule({ deviceId, moduleId: 'Agent' } as never);
  await processor.process(newEvents());

  await vi.waitFor(
    async () => {
      const rows = await world.history(deviceId);
      expect(rows.map(({ policy, kind, outcome, error }) => [policy, kind, outcome, error ?? '']).toSorted()).toEqual([
        ['late', 'policyError', 'failed', 'evaluate threw Error: too late, after it had returned'],
        ['late-scope', 'policyError', 'failed', 'appliesTo threw Error: much too late, after it had returned'],
        ['plain', 'missingProperty', 'enforced', ''],
      ]);
    },
    { timeout: 20_000, interval: 50 },
  );
  expect(brief(await world.history(deviceId))).toHaveLength(3);
  expect(logged.mock.calls.join('\n')).toContain(
    `The policy late failed for the device ${deviceId}: evaluate threw Error`,
  );
});
