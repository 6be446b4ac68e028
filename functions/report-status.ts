import type { OpenCounts } from '../shared/drift/index.ts';
import { statusLine, toStatus } from '../shared/status/index.ts';
import type { App } from './compose.ts';

/** The largest number of policies whose compliance is a metric. */
const mostPolicies = 20;

/**
 * Writes the status line of the app: one line in the log of the invocation, from what is stored, at no hub call. Also stores the counts of
 * open rows, so that the health of the API need not count them again.
 */
export async function reportStatus(app: App, open: OpenCounts, log: (line: string) => void): Promise<void> {
  const { statusStore, telemetry, now } = app;
  const [status, before] = await Promise.all([app.loadStatus(), statusStore.rolledUp()]);
  const at = now().toISOString();
  const counted = {
    at,
    since: before?.since ?? at,
    mode: status.identity.mode,
    messagesAllowed: status.identity.messagesAllowed,
    ...status.gaps,
    open: open.total,
    reasons: Object.fromEntries(open.reasons),
    outOfLine: Object.fromEntries(open.devices),
    ...(open.outOfLine === undefined ? {} : { devicesOutOfLine: open.outOfLine }),
  };
  const facts = await status.facts({ ...before, ...counted });
  const { lastEventAt } = facts.usage;
  await statusStore.putRolledUp({
    ...counted,
    ...(lastEventAt === undefined ? {} : { lastEventAt }),
    ...(facts.unansweredSince === undefined ? {} : { unansweredSince: facts.unansweredSince }),
  });
  const current = toStatus(facts, status.problems(facts), status.identity);
  log(statusLine(current));
  if (telemetry === undefined) return;
  telemetry.metrics.set('twinkeeper.dead_letters', current.deadLetters);
  for (const { policy, percent } of current.compliance.slice(0, mostPolicies)) {
    if (percent !== null) telemetry.metrics.set('twinkeeper.compliance', percent, { policy });
  }
  if (facts.sweepDuration !== undefined) {
    telemetry.metrics.set('twinkeeper.sweep.duration', facts.sweepDuration / 1000);
  }
}
