import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { MeteredCall } from '../../../shared/hub/index.ts';
import { messagesIn, quotaMessageBytes } from '../../../shared/hub/metered-call.ts';
import { FaultyHub } from './faulty-hub.ts';

const faulty = new FaultyHub();

describe('each HTTP call to the hub', () => {
  it('is metered with its class and result, also each retry', async () => {
    const calls: MeteredCall[] = [];
    const hub = faulty.connect({ onCalled: (call) => calls.push(call) });
    await faulty.local.operator.create({ deviceId: 'metered' });
    faulty.faults = ['throttle', 'fail'];
    await hub.readTwin('metered', '');
    await hub.readTwin('nobody', '');
    faulty.faults = ['throttle entries'];
    await hub.createModules([{ deviceId: 'metered', moduleId: 'm', desired: {}, tags: {} }]);
    await hub.countDevices();
    await hub.listConfigurations();
    expect(calls.map(({ operation, result, messages }) => [operation, result, messages])).toEqual([
      ['twinRead', 'throttled', 0],
      ['twinRead', 'transient', 0],
      ['twinRead', 'ok', 1],
      ['twinRead', 'gone', 0],
      ['bulk', 'throttled', 0],
      ['identity', 'ok', 0],
      ['configuration', 'ok', 0],
    ]);
    expect(calls[1]?.problem?.message).toContain('503');
  });

  it('takes messages from the quota by the size of the twin, of the update and of the query result', async () => {
    const calls: MeteredCall[] = [];
    const onCalled = (call: MeteredCall) => calls.push(call);
    const hub = faulty.connect({ onCalled });
    const free = faulty.connect({ onCalled, budget: { tier: 'F1', units: 200, share: 1 } });
    await faulty.local.operator.create({ deviceId: 'large' });
    const large = Object.fromEntries(Array.from({ length: 6 }, (_, n) => [`p${n}`, 'x'.repeat(1000)]));
    await faulty.local.operator.addModule({ deviceId: 'large', moduleId: 'm' });
    const read = async () => {
      const answer = await hub.readTwin('large', 'm');
      if (!answer.ok) throw new Error(answer.problem.message);
      return answer.value;
    };
    await hub.patchDesired('large', 'm', (await read()).etag, large);
    await read();
    await free.readTwin('large', 'm');
    await hub.queryPage("SELECT * FROM devices.modules WHERE deviceId = 'large'");
    await hub.queryPage("SELECT deviceId FROM devices WHERE deviceId = 'nobody'");
    // The update has 6 KB. The twin has the same 6 KB and some metadata for each property.
    expect(calls.map(({ operation, messages }) => [operation, messages])).toEqual([
      ['twinRead', 1],
      ['twinUpdate', 2],
      ['twinRead', 2],
      ['twinRead', expect.toSatisfy((messages: number) => messages >= 13 && messages <= 16)],
      ['query', 2],
      ['query', 1],
    ]);
  });

  it('takes as few messages as can hold its bytes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10 ** 7 }),
        fc.constantFrom('S1' as const, 'F1' as const),
        (bytes, tier) => {
          const size = quotaMessageBytes(tier);
          const messages = messagesIn(bytes, size);
          expect(messages * size).toBeGreaterThanOrEqual(bytes);
          expect((messages - 1) * size).toBeLessThan(bytes);
        },
      ),
    );
  });
});
