import { describe, expect, it } from 'vitest';
import { wasSurelyNotSent } from '../../../shared/hub/was-sent.ts';
import { FaultyHub } from './faulty-hub.ts';

const faulty = new FaultyHub();
const modules = [{ deviceId: 'lost', moduleId: 'm', desired: {}, tags: {} }];

describe('a bulk call whose answer is lost', () => {
  it.each([
    ['after a time-out', 'hang'],
    ['with a 503', 'fail'],
  ] as const)('is not made again %s, and its result is unclear', async (_, fault) => {
    const hub = faulty.connect({ deadline: 200 });
    faulty.faults = [fault];
    expect(await hub.createModules(modules)).toMatchObject([{ ok: false, problem: { type: 'unclear' } }]);
    expect(faulty.callCount).toBe(1);
  });

  it('is made again when the hub has throttled it', async () => {
    await faulty.local.operator.create({ deviceId: 'lost' });
    faulty.callCount = 0;
    faulty.faults = ['throttle'];
    expect(await faulty.connect().createModules(modules)).toMatchObject([{ ok: true }]);
    expect(faulty.callCount).toBe(2);
  });

  it('is made again when no connection was made', async () => {
    const nowhere = faulty.connect({ retries: 2 }, 9);
    expect(await nowhere.createModules(modules)).toMatchObject([{ ok: false, problem: { type: 'transient' } }]);
  });
});

describe('an error', () => {
  it.each([
    [{ code: 'ECONNREFUSED' }, true],
    [new Error('outer', { cause: { code: 'ENOTFOUND' } }), true],
    [{ name: 'AggregateAuthenticationError' }, true],
    [{ code: 'ECONNRESET' }, false],
    [{ code: 'ETIMEDOUT' }, false],
    [{ code: 'ECONNREFUSED', response: { statusCode: 503 } }, false],
    [undefined, false],
    ['text', false],
  ])('%j shows that no request was sent: %s', (error, expected) => {
    expect(wasSurelyNotSent(error)).toBe(expected);
  });
});
