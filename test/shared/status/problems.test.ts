import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { operationClasses } from '../../../shared/hub/index.ts';
import { unansweredChange } from '../../../shared/status/facts.ts';
import {
  type Facts,
  findProblems,
  isHealthy,
  type LiveChecks,
  type ProblemSettings,
  problemCodes,
} from '../../../shared/status/index.ts';
import { minutesAgo, wellFacts } from './status-fixtures.ts';

const settings: ProblemSettings = { mode: 'enforce', sweepGapMinutes: 15, rollUpGapMinutes: 5, messagesAllowed: 1000 };

const codes = (facts: Facts | undefined, more: Partial<ProblemSettings> = {}, live: LiveChecks = {}) =>
  findProblems(facts, { ...settings, ...more }, live).map(({ code }) => code);

const callsOf = (twinRead: number) =>
  Object.fromEntries(
    operationClasses.map((operation) => [operation, operation === 'twinRead' ? twinRead : 0]),
  ) as Facts['usage']['calls'];

describe('an app that works', () => {
  it('has no problem', () => {
    expect(codes(wellFacts())).toEqual([]);
  });

  it('has no problem when the hub is quiet for a week', () => {
    expect(codes(wellFacts({}, { lastEventAt: minutesAgo(10_080) }))).toEqual([]);
  });

  it('has no problem on its first day, before the first event and the first sweep', () => {
    const { sweepEndedAt: _, sweepActiveAt: __, ...fresh } = wellFacts({ since: minutesAgo(4) });
    const { lastEventAt: ___, ...usage } = fresh.usage;
    expect(codes({ ...fresh, usage })).toEqual([]);
  });

  it('has no problem when a daily sweep ran yesterday', () => {
    expect(codes(wellFacts({ sweepEndedAt: minutesAgo(1500) }), { sweepGapMinutes: 1440 })).toEqual([]);
  });

  it('has no problem when a large sweep takes hours and its work items make progress', () => {
    expect(codes(wellFacts({ sweepEndedAt: minutesAgo(400), sweepActiveAt: minutesAgo(3) }))).toEqual([]);
  });

  it('has no problem when the hub took messages again, or refused them on another day', () => {
    expect(codes(wellFacts({}, { quotaEndedAt: minutesAgo(20), quotaTakenAt: minutesAgo(5) }))).toEqual([]);
    expect(codes(wellFacts({}, { quotaEndedAt: minutesAgo(13 * 60) }))).toEqual([]);
  });

  it('has no problem when the hub throttles now and then', () => {
    expect(codes(wellFacts({}, { calls: callsOf(100), throttled: callsOf(4) }))).toEqual([]);
  });
});

describe('a problem', () => {
  interface Case {
    readonly code: string;
    readonly facts?: Partial<Facts>;
    readonly usage?: Partial<Facts['usage']>;
    readonly isIll?: true;
  }
  const cases: readonly Case[] = [
    { code: 'noEvents', facts: { unansweredSince: minutesAgo(16) }, isIll: true },
    { code: 'sweepOverdue', facts: { sweepEndedAt: minutesAgo(121), sweepActiveAt: minutesAgo(121) }, isIll: true },
    { code: 'notReporting', facts: { rolledUpAt: minutesAgo(21) }, isIll: true },
    {
      code: 'hubUnreachable',
      usage: { lastFailureAt: minutesAgo(1), lastAnswerAt: minutesAgo(3), failure: '503' },
      isIll: true,
    },
    { code: 'pendingStuck', facts: { pendingSince: minutesAgo(121) } },
    { code: 'queriesUntrue', facts: { missedByQueries: ['The queries for the policy agents missed 1 twin.'] } },
    { code: 'deadLetters', facts: { deadLetters: 1 } },
    { code: 'throttled', usage: { calls: callsOf(50), throttled: callsOf(6) } },
    { code: 'limitLifted', facts: { released: [{ policy: 'agents', until: minutesAgo(-30) }] } },
    { code: 'competing', facts: { competingConfigurations: ['winter-tuning'] } },
  ];

  it.each(cases)('$code is found alone, and has a sentence and an advice', ({ code, facts, usage, isIll = false }) => {
    const problems = findProblems(wellFacts(facts, usage), settings);
    expect(problems.map((problem) => problem.code)).toEqual([code]);
    expect(isHealthy(problems)).toBe(!isIll);
    for (const { sentence, advice } of problems) {
      expect(sentence).toMatch(/^[A-Z0-9].*\.$/s);
      expect(advice).toMatch(/^["A-Z].*\.$/s);
      expect(`${sentence}${advice}`).not.toMatch(/undefined|NaN|null/);
    }
  });

  it('names what a check has just found, and the check wins over what is stored', () => {
    const failing = wellFacts({}, { lastFailureAt: minutesAgo(1), lastAnswerAt: minutesAgo(3), failure: '503' });
    expect(codes(failing, {}, { hub: { ok: true, detail: '' } })).toEqual([]);
    expect(codes(wellFacts(), {}, { hub: { ok: false, detail: 'my-hub: 401' } })).toEqual(['hubUnreachable']);
    const dark = { ok: false, detail: 'no answer' };
    expect(codes(undefined, {}, { hub: dark, storage: dark })).toEqual(['hubUnreachable', 'storageUnreachable']);
  });

  it('of an overdue sweep is none while sweeps are put off', () => {
    const late = { sweepEndedAt: minutesAgo(600), sweepActiveAt: minutesAgo(600) };
    expect(codes(wellFacts(late, { messagesToday: 799 }))).toEqual(['sweepOverdue']);
    expect(codes(wellFacts(late, { messagesToday: 800 }))).toEqual(['messageShare']);
    expect(codes(wellFacts(late, { quotaEndedAt: minutesAgo(1) }))).toEqual(['hubQuota']);
  });

  it('is not made of a single failed call, and not of an old failure', () => {
    const brief = { lastFailureAt: minutesAgo(1), lastAnswerAt: minutesAgo(1.2), failure: '503' };
    expect(codes(wellFacts({}, brief))).toEqual([]);
    expect(codes(wellFacts({}, { ...brief, lastAnswerAt: minutesAgo(500), lastFailureAt: minutesAgo(300) }))).toEqual(
      [],
    );
  });

  it('says that an app never swept and never counted, by the age of its process', () => {
    const { since: _, rolledUpAt: __, sweepEndedAt: ___, sweepActiveAt: ____, ...fresh } = wellFacts();
    expect(codes(fresh, { startedAt: minutesAgo(200) })).toEqual(['sweepOverdue', 'notReporting']);
    expect(codes(fresh, { startedAt: minutesAgo(2) })).toEqual([]);
  });

  it('of audit mode is only information', () => {
    const problems = findProblems(wellFacts(), { ...settings, mode: 'audit' });
    expect(problems).toMatchObject([{ code: 'auditMode', severity: 'information' }]);
    expect(isHealthy(problems)).toBe(true);
  });

  it('comes before milder ones', () => {
    fc.assert(
      fc.property(fc.subarray([...cases]), (chosen) => {
        const facts = wellFacts(
          Object.assign({}, ...chosen.map((each) => each.facts)),
          Object.assign({}, ...chosen.map((each) => each.usage)),
        );
        const found = codes(facts);
        expect(found.toSorted()).toEqual(chosen.map(({ code }) => code).toSorted());
        expect(found).toEqual(problemCodes.filter((code) => (found as readonly string[]).includes(code)));
      }),
    );
  });
});

describe('a change without an event', () => {
  it('is known as long as no event comes, also while there are new changes every minute', () => {
    let known: string | undefined;
    for (let minute = 60; minute > 0; minute -= 5) {
      known = unansweredChange(
        { lastEventAt: minutesAgo(61), lastChangeAt: minutesAgo(minute) },
        known === undefined ? undefined : { unansweredSince: known },
      );
    }
    expect(known).toBe(minutesAgo(60));
    expect(
      unansweredChange(
        { lastEventAt: minutesAgo(1), lastChangeAt: minutesAgo(2) },
        { unansweredSince: minutesAgo(60) },
      ),
    ).toBeUndefined();
    expect(
      unansweredChange(
        { lastEventAt: minutesAgo(30), lastChangeAt: minutesAgo(2) },
        { unansweredSince: minutesAgo(60) },
      ),
    ).toBe(minutesAgo(2));
    expect(unansweredChange({}, undefined)).toBeUndefined();
    expect(unansweredChange({ lastChangeAt: minutesAgo(2) }, undefined)).toBe(minutesAgo(2));
  });

  it('is not one whose event came while the call was still running', () => {
    const times = { lastEventAt: minutesAgo(60.4), lastChangeAt: minutesAgo(60) };
    expect(unansweredChange(times, undefined)).toBeUndefined();
    expect(unansweredChange({ lastEventAt: minutesAgo(60.4) }, { unansweredSince: minutesAgo(60) })).toBeUndefined();
    expect(unansweredChange({ ...times, lastChangeAt: minutesAgo(59.8) }, undefined)).toBe(minutesAgo(59.8));
  });
});
