/**
 * Sweeps a generated hub once to get used to it, and once for the measurement. Sends what the second sweep cost to the parent process. Needs
 * Node's option `--expose-gc`.
 */
import azureiotsecurity from '../../../functions/policies/azureiotsecurity.ts';
import { systemClock } from '../../../shared/clock.ts';
import { baselineOf, toPolicySet } from '../../../shared/policy/index.ts';
import { givenOptions, sendResult } from '../child-process.ts';
import { HeapWatch } from '../heap-watch.ts';
import { GeneratedHub } from '../million/generated-hub.ts';
import type { MillionSweep, MillionSweepOptions } from '../million/measure-apart.ts';
import { createSweepingApp } from '../sweeping-app.ts';

const { connectionString, devices, missing, broken, limit } = givenOptions<MillionSweepOptions>();

const [policy] = toPolicySet([azureiotsecurity], { mode: 'enforce' }).all;
if (policy === undefined) throw new Error('The policy set is empty.');
const budget = { tier: 'S3', units: 200, share: 1, messageShare: 1 } as const;
const generated = new GeneratedHub({
  ...{ devices, moduleId: policy.module, baseline: baselineOf(policy), tags: policy.moduleTags },
  ...{ budget, clock: systemClock },
});
const app = createSweepingApp({
  ...{ hub: generated.lane('events'), storage: { connectionString }, definitions: [azureiotsecurity] },
  ...{ concurrency: 4, clock: systemClock, limit, onTrouble: console.error },
});
await app.sweep();

generated.deleteModules(missing);
// Somebody has set a value that the policy forbids. The blast radius limits how many such values are set back.
const [configuration = ''] = Object.keys(baselineOf(policy));
generated.changeModules(broken, { [configuration]: { maxMessageSizeInBytes: { value: 1 } } });
const before = { ...generated.cost };
const watch = new HeapWatch('withoutGarbage');
const from = performance.now();
const { found, changed, heldBack } = await app.sweep();
const seconds = (performance.now() - from) / 1000;
sendResult({
  ...{ seconds, heap: watch.end(), found, changed, heldBack },
  calls: generated.cost.calls - before.calls,
  operations: generated.cost.operations - before.operations,
  messages: generated.cost.messages - before.messages,
  ...{ stillMissing: generated.missing, stillBroken: generated.changed },
} satisfies MillionSweep);
