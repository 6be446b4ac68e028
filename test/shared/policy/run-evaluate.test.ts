import { describe, expect, it } from 'vitest';
import { fc } from '../../support/arbitraries.ts';
import { deviceId, planWith, run } from './custom-policy.ts';

describe('an evaluate function', () => {
  it('receives the twin and its ids, and its findings are returned', () => {
    const seen: unknown[] = [];
    const evaluation = run(
      (twin: unknown, context: unknown) => {
        seen.push(twin, context);
        return [{ path: 'a', expected: 2, message: 'should be two' }];
      },
      { a: 1 },
    );
    expect(seen).toMatchObject([
      { deviceId, moduleId: 'm', desired: { properties: { a: 1 } } },
      { deviceId, moduleId: 'm' },
    ]);
    expect(evaluation).toEqual({ findings: [{ path: 'a', expected: 2, message: 'should be two' }] });
  });

  const unprintable = Object.create(null) as object;
  const throwing = new Proxy(
    {},
    {
      get() {
        throw new Error('no access');
      },
    },
  );

  it.each<[string, () => unknown, string]>([
    [
      'throws',
      () => {
        throw new RangeError('too much');
      },
      'evaluate threw RangeError: too much',
    ],
    [
      'throws a string',
      () => {
        throw 'text';
      },
      'evaluate threw text',
    ],
    [
      'throws undefined',
      () => {
        throw undefined;
      },
      'evaluate threw undefined',
    ],
    [
      'throws an object that cannot be shown',
      () => {
        throw unprintable;
      },
      'evaluate threw a value that cannot be shown',
    ],
    [
      'throws an object whose properties throw',
      () => {
        throw throwing;
      },
      'evaluate threw a value that cannot be shown',
    ],
    [
      'calls itself endlessly',
      function again(): unknown {
        return again();
      },
      'evaluate threw RangeError',
    ],
    ['is async', async () => [], 'evaluate returned a Promise; it must be synchronous'],
    ['is async and rejects', async () => Promise.reject(new Error('later')), 'evaluate returned a Promise'],
    ['returns undefined', () => undefined, 'evaluate returned undefined, not a list'],
    ['returns an object', () => ({ path: 'a' }), 'evaluate returned object, not a list'],
    ['returns a string', () => 'a', 'evaluate returned string, not a list'],
    [
      'returns too many findings',
      () => Array.from({ length: 101 }, (_, n) => ({ path: `p${n}` })),
      'evaluate returned 101 findings; 100 is the limit',
    ],
    ['returns undefined as a finding', () => [undefined], 'finding 0 of evaluate: not an object'],
    ['returns null as a finding', () => [{ path: 'a' }, null], 'finding 1 of evaluate: not an object'],
    ['returns a finding without a path', () => [{ expected: 1 }], 'finding 0 of evaluate: path must be'],
    ['returns a finding with a list as its path', () => [{ path: ['a'] }], 'finding 0 of evaluate: path must be'],
    [
      'returns an expected value for the whole twin',
      () => [{ path: '', expected: 1 }],
      'finding 0 of evaluate: a finding about the whole twin',
    ],
    [
      'returns an expected value that is too large for a twin',
      () => [{ path: 'a', expected: { b: 2 ** 60 } }],
      'finding 0 of evaluate: at a.b: ',
    ],
    [
      'returns an expected value that contains null',
      () => [{ path: 'a', expected: { b: null } }],
      'finding 0 of evaluate: at a.b: a twin cannot hold null',
    ],
    [
      'returns a finding with an invalid path',
      () => [{ path: 'a..b', expected: 1 }],
      'finding 0 of evaluate: at a.: a key in a twin cannot be empty',
    ],
    [
      'returns a number as the message',
      () => [{ path: 'a', message: 5 }],
      'finding 0 of evaluate: message must be a string',
    ],
    [
      'returns a list that contains itself',
      () => {
        const own: unknown[] = [];
        own.push({ path: 'a', expected: own });
        return own;
      },
      'evaluate threw TypeError',
    ],
  ])('that %s causes a policyError for its policy only', (_, evaluate, fault) => {
    expect(run(evaluate)).toEqual({ fault: expect.stringContaining(fault) });
    const { drifts, actions } = planWith(evaluate);
    expect(drifts.map(({ policy, kind }) => [policy, kind])).toEqual([
      ['plain', 'missingProperty'],
      ['custom', 'policyError'],
    ]);
    expect(actions).toMatchObject([{ patch: { plain: 1 } }]);
  });

  it('that does not return is stopped', () => {
    const evaluate = () => {
      for (;;);
    };
    expect(run(evaluate)).toEqual({ fault: 'evaluate took longer than 250 ms' });
  });

  it('that tries to catch its time-out is stopped too', () => {
    const evaluate = () => {
      try {
        for (;;);
      } catch {
        return [];
      }
    };
    expect(run(evaluate)).toEqual({ fault: 'evaluate took longer than 250 ms' });
  });

  it('that is slow on a busy machine, but needs little processor time, is not stopped', () => {
    const sleep = new Int32Array(new SharedArrayBuffer(4));
    const evaluate = () => {
      Atomics.wait(sleep, 0, 0, 400);
      return [];
    };
    expect(run(evaluate)).toEqual({ findings: [] });
  });

  it('that takes too long three times in a row is not called for a minute', () => {
    let calls = 0;
    const evaluate = () => {
      calls++;
      for (;;);
    };
    for (const _ of [1, 2, 3]) expect(run(evaluate)).toEqual({ fault: 'evaluate took longer than 250 ms' });
    const before = calls;
    expect(run(evaluate)).toEqual({
      fault: 'evaluate took longer than 250 ms 3 times in a row, and is not called for a minute',
    });
    expect(calls).toBe(before);
  });

  it('cannot change the twin', () => {
    const evaluate = (twin: { desired: { properties: { a: { b: number } } } }) => {
      twin.desired.properties.a.b = 7;
      return [];
    };
    expect(run(evaluate, { a: { b: 1 } })).toEqual({ fault: expect.stringContaining('TypeError') });
  });

  it('has its messages and paths limited to the size of a history row', () => {
    const evaluation = run(() => [{ path: 'a', message: 'm'.repeat(200_000) }]);
    expect('findings' in evaluation && evaluation.findings[0]?.message?.length).toBeLessThan(5000);
    expect(run(() => [{ path: 'p'.repeat(200_000) }])).toEqual({
      fault: 'finding 0 of evaluate: the path has 200000 characters; a path in a twin has at most 10250',
    });
    const evaluate = () => {
      throw new Error('e'.repeat(200_000));
    };
    expect(JSON.stringify(run(evaluate)).length).toBeLessThan(1000);
  });

  it('never causes an exception, whatever it returns', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.anything(),
          fc.array(fc.anything()),
          fc.array(fc.record({ path: fc.anything(), expected: fc.anything() })),
        ),
        (result) => {
          const evaluation = run(() => result);
          expect('fault' in evaluation || Array.isArray(evaluation.findings)).toBe(true);
          planWith(() => result);
        },
      ),
      { numRuns: 300 },
    );
  });
});
