import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operationClasses } from '../../../shared/hub/index.ts';
import {
  type Facts,
  findProblems,
  statusLine,
  statusPrefix,
  statusSchema,
  toStatus,
} from '../../../shared/status/index.ts';
import { minutesAgo, now, wellFacts } from './status-fixtures.ts';

const app = { version: '1.2.3', mode: 'enforce', policiesHash: 'abcdefgh', messagesAllowed: 40_000 } as const;
const settings = { mode: 'enforce', sweepGapMinutes: 15, rollUpGapMinutes: 5 } as const;
const statusOf = (facts: Facts) => toStatus(facts, findProblems(facts, settings), app);

const count = fc.nat(10 ** 9);
const time = fc.option(fc.double({ min: 0, max: 10 ** 6, noNaN: true }).map(minutesAgo), { nil: undefined });
const calls = fc.record(Object.fromEntries(operationClasses.map((operation) => [operation, count]))) as fc.Arbitrary<
  Facts['usage']['calls']
>;
const compliance = fc
  .record({
    policy: fc.string({ maxLength: 500, unit: 'binary' }),
    devices: fc.option(count, { nil: undefined }),
    outOfLine: count,
  })
  .map(({ devices, ...rest }) => ({ ...rest, ...(devices === undefined ? {} : { devices }) }));

const anyFacts = fc
  .record({
    policies: fc.array(compliance, { maxLength: 60 }),
    open: count,
    deadLetters: count,
    deferred: count,
    sweepEndedAt: time,
    pendingSince: time,
    lastEventAt: time,
    calls,
    throttled: calls,
    messagesToday: count,
  })
  .map(({ sweepEndedAt, pendingSince, lastEventAt, calls: called, throttled, messagesToday, ...rest }) => {
    const { sweepEndedAt: _, usage, ...well } = wellFacts();
    const { lastEventAt: __, ...use } = usage;
    return {
      ...well,
      ...rest,
      ...(sweepEndedAt === undefined ? {} : { sweepEndedAt }),
      ...(pendingSince === undefined ? {} : { pendingSince }),
      usage: {
        ...use,
        calls: called,
        throttled,
        messagesToday,
        ...(lastEventAt === undefined ? {} : { lastEventAt }),
      },
    } as Facts;
  });

describe('the status line', () => {
  it('is one line of at most 8 KB with all fields, whatever the facts', () => {
    fc.assert(
      fc.property(anyFacts, (facts) => {
        const line = statusLine(statusOf(facts));
        expect(line).not.toMatch(/[\n\r]/);
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(8192);
        expect(line.startsWith('twinkeeper.status {')).toBe(true);
        const status = statusSchema.parse(JSON.parse(line.slice(statusPrefix.length)));
        expect(status.compliance.length).toBeLessThanOrEqual(20);
        expect(status.policiesTotal).toBe(facts.policies.length);
      }),
    );
  });

  it('leaves out the best policies when their names are too long for one line', () => {
    const policies = Array.from({ length: 20 }, (_, n) => ({
      policy: `${n} ${'x'.repeat(900)}`,
      devices: 100,
      outOfLine: n,
    }));
    const line = statusLine(statusOf(wellFacts({ policies })));
    expect(Buffer.byteLength(line)).toBeLessThanOrEqual(8192);
    const { compliance, policiesTotal } = statusSchema.parse(JSON.parse(line.slice(statusPrefix.length)));
    expect(compliance[0]?.policy).toMatch(/^19 /);
    expect([compliance.length > 5, policiesTotal]).toEqual([true, 20]);
  });

  it('says null for what is not known, and never 0', () => {
    const {
      sweepEndedAt: _,
      sweepActiveAt: __,
      ...rest
    } = wellFacts({
      policies: [{ policy: 'new', outOfLine: 0 }],
      fleet: {},
    });
    const { lastEventAt: ___, ...usage } = rest.usage;
    expect(statusOf({ ...rest, usage })).toMatchObject({
      devices: null,
      outOfLine: null,
      percent: null,
      compliance: [{ policy: 'new', devices: null, outOfLine: 0, percent: null }],
      sweepAgeMinutes: null,
      eventAgeMinutes: null,
      oldestPendingMinutes: null,
    });
  });

  it('has ages in minutes, the sum of 429s, and the codes of the problems', () => {
    const facts = wellFacts({ sweepEndedAt: minutesAgo(7.26), deadLetters: 3 });
    expect(statusOf(facts)).toMatchObject({
      version: '1.2.3',
      devices: 10,
      sweepAgeMinutes: 7.3,
      eventAgeMinutes: 1,
      throttledTotal: 0,
      healthy: true,
      problems: ['deadLetters'],
    });
    expect(facts.at).toBe(now);
  });

  it('counts a device once that breaks several policies', () => {
    const policies = [
      { policy: 'one', devices: 2000, outOfLine: 1995 },
      { policy: 'two', devices: 2000, outOfLine: 0 },
    ];
    const fleet = { devices: 2000, outOfLine: 1995 };
    expect(statusOf(wellFacts({ policies, fleet }))).toMatchObject({ devices: 2000, outOfLine: 1995, percent: 0.25 });
  });

  it('names the worst policies first, and rounds down, so that 100 means all', () => {
    const policies = [
      { policy: 'uncounted', outOfLine: 5 },
      { policy: 'well', devices: 10, outOfLine: 0 },
      { policy: 'nearly', devices: 1_000_000, outOfLine: 1 },
      { policy: 'half', devices: 10, outOfLine: 5 },
      { policy: 'more-open-than-counted', devices: 3, outOfLine: 9 },
      { policy: 'empty', devices: 0, outOfLine: 0 },
    ];
    const found = statusOf(wellFacts({ policies })).compliance.map(({ policy, percent }) => [policy, percent]);
    expect(found.slice(0, 3)).toEqual([
      ['more-open-than-counted', 0],
      ['half', 50],
      ['nearly', 99.99],
    ]);
    expect(found).toContainEqual(['empty', null]);
    expect(found).toContainEqual(['uncounted', null]);
  });
});
