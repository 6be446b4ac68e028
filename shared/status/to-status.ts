import { operationClasses } from '../hub/index.ts';
import type { Facts } from './facts.ts';
import { isHealthy, type StatusProblem } from './problems.ts';
import { type Status, statusPrefix } from './status.ts';

/** The facts about the app itself that its status names. */
export interface AppIdentity {
  readonly version: string;
  readonly mode: 'enforce' | 'audit';
  /** The hash of all policy definitions. */
  readonly policiesHash: string;
  /** The messages that the app may take from the hub's quota in a day. */
  readonly messagesAllowed: number;
}

/** The largest number of policies in a status. A line with more would be too long. */
const mostPolicies = 20;

/** The largest length of a line, in UTF-8 bytes. The log of Azure cuts longer messages at 32 KB, and alerts need the whole JSON. */
const maxLineBytes = 8192;

/** Makes the status of the app from its facts and its problems. Pure. */
export function toStatus(facts: Facts, problems: readonly StatusProblem[], app: AppIdentity): Status {
  const { usage } = facts;
  const age = (time: string | undefined) =>
    time === undefined ? null : round(Math.max(0, Date.parse(facts.at) - Date.parse(time)) / 60_000, 1);
  const compliance = facts.policies
    .map(({ policy, devices, outOfLine }) => ({
      policy,
      devices: devices ?? null,
      outOfLine,
      percent: percentOf(devices, outOfLine),
    }))
    .toSorted((a, b) => (a.percent ?? 101) - (b.percent ?? 101) || b.outOfLine - a.outOfLine);
  return {
    version: app.version,
    mode: app.mode,
    policies: app.policiesHash,
    devices: facts.fleet.devices ?? null,
    outOfLine: facts.fleet.outOfLine ?? null,
    percent: percentOf(facts.fleet.devices, facts.fleet.outOfLine),
    compliance: compliance.slice(0, mostPolicies),
    policiesTotal: compliance.length,
    open: facts.open,
    heldBack: facts.heldBack,
    competingConfigurations: facts.competingConfigurations.length,
    deadLetters: facts.deadLetters,
    deferred: facts.deferred,
    sweepAgeMinutes: age(facts.sweepEndedAt),
    eventAgeMinutes: age(usage.lastEventAt),
    oldestPendingMinutes: age(facts.pendingSince),
    calls: usage.calls,
    throttled: usage.throttled,
    throttledTotal: operationClasses.reduce((sum, operation) => sum + usage.throttled[operation], 0),
    messagesUsed: usage.messagesToday,
    messagesAllowed: app.messagesAllowed,
    healthy: isHealthy(problems),
    problems: problems.map(({ code }) => code),
  };
}

/**
 * Writes a status as one line of the log. The line has at most {@link maxLineBytes} bytes: policies are left out from the end of the list, the
 * best first. Pure.
 */
export function statusLine(status: Status): string {
  for (let compliance = status.compliance; ; compliance = compliance.slice(0, -1)) {
    const line = `${statusPrefix}${JSON.stringify({ ...status, compliance })}`;
    if (compliance.length === 0 || Buffer.byteLength(line) <= maxLineBytes) return line;
  }
}

/**
 * The share of a policy's devices that are in line, in percent with two decimals. Rounded down, so that 100 means all. `null` when the
 * devices are not counted yet, and without devices: nothing was looked at.
 */
function percentOf(devices: number | undefined, outOfLine: number | undefined): number | null {
  if (devices === undefined || devices === 0 || outOfLine === undefined) return null;
  // Open rows are up to date, but the number of devices is as old as the last sweep.
  return Math.floor((10_000 * Math.max(0, devices - outOfLine)) / devices) / 100;
}

function round(number: number, decimals: number): number {
  return Math.round(number * 10 ** decimals) / 10 ** decimals;
}
