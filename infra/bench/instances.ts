import { performance } from 'node:perf_hooks';
import { type Clock, systemClock } from '../../shared/clock.ts';
import { throttleLimits } from '../../shared/hub/index.ts';
import type { Bench, Report } from './bench.ts';
import { averageRate, comeAndGo, largestSettledRate } from './come-and-go.ts';
import { InstanceFleet } from './instance-fleet.ts';
import { LeapingClock } from './leaping-clock.ts';

/** The number of instances of the app, one after the other. They start and stop one by one, many at once, and all at once. */
const sizes = [1, 2, 3, 4, 5, 6, 7, 8, 4, 8, 1, 8, 2, 6, 1];

const budget = { tier: 'S1', units: 1, share: 0.5, messageShare: 1 } as const;

/** A budget whose messages end within the bench: 1,000 a day. */
const fewMessages = { ...budget, messageShare: 0.0025 } as const;

/** Milliseconds that each request to storage takes. */
const storageLatency = 15;

/** A clock that starts at noon: the quota of messages begins again at midnight. */
const fromNoon: Clock = { ...systemClock, now: () => new Date(Date.UTC(2026, 0, 1, 12) + performance.now()) };

/** Measures whether all instances of the app together keep to the app's share of what the hub allows. */
export const instances: Bench = {
  name: 'instances',
  description: 'calls of one to eight instances that come and go, compared with the share of the app',
  async run(report) {
    for (const operation of ['identity', 'query'] as const) await measureCalls(operation, report);
    await measureMessages(report);
  },
};

async function measureCalls(operation: 'identity' | 'query', report: Report): Promise<void> {
  report.progress(`${sizes.length} changes of the number of instances, ${operation} calls`);
  const clock = new LeapingClock();
  let count = 0;
  const onCall = () => {
    count++;
  };
  const fleet = new InstanceFleet({ clock, budget, operation, storageLatency, onCall });
  const result = await comeAndGo(
    clock,
    sizes,
    (size) => fleet.resize(size),
    () => count,
  );
  const peer = throttleLimits(budget.tier, budget.units)[operation] * budget.share;
  const how = `Every instance always has work. The limiter, the share and the use are the app's own; storage is in memory, and the clock skips idle waits. The peer is the share of one S1 unit.`;
  report.measured({
    case: `${operation}-settled`,
    ours: largestSettledRate(result),
    peer,
    unit: 'calls/s',
    target: { atMost: 1.1 },
    note: `largest rate of all instances together, from one minute after a change of their number until the next change, over ${sizes.length} changes. ${how}`,
  });
  report.measured({
    case: `${operation}-average`,
    ours: averageRate(result),
    peer,
    unit: 'calls/s',
    target: { atMost: 1.1 },
    note: `rate of all instances together over the whole hour, with the full bucket of the first instance and the time after each change. ${how}`,
  });
}

async function measureMessages(report: Report): Promise<void> {
  report.progress('eight instances until the messages of the day are used up');
  const clock = new LeapingClock(fromNoon);
  let used = 0;
  const onCall = (messages: number) => {
    used += messages;
  };
  const fleet = new InstanceFleet({
    clock,
    budget: fewMessages,
    operation: 'query',
    storageLatency,
    onCall,
    messages: 10,
  });
  await comeAndGo(
    clock,
    [8, 8, 8, 8],
    (size) => fleet.resize(size),
    () => used,
  );
  report.measured({
    case: 'messages',
    ours: used,
    peer: 1000,
    unit: 'messages',
    target: { atMost: 1.1 },
    note: 'messages that eight instances took, compared with the quota of the app, when each call takes ten messages.',
  });
}
