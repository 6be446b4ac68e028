/** The text that `twinkeeper status` shows. Pure functions. */
import { createColors } from 'picocolors';
import type { HealthProblem } from '../../../functions/api/answers.ts';
import { mostDeadLetters } from '../../../shared/status/index.ts';
import type { SweepRow } from '../../../shared/sweep/store/index.ts';
import { type Compliance, isIll, type PolicyCompliance } from '../commands/compliance.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

type Paint = ReturnType<typeof createColors>;

/** For each reason why drift is not repaired: a text that explains the reason and says what to do. */
const reasons: Readonly<Record<string, string>> = {
  audited: 'recorded only: audit mode, or the policy gives no value to set',
  'heldBack: blastRadius':
    'a policy has changed as many twins as it may in an hour; "twinkeeper release POLICY" lifts the limit',
  'heldBack: contested': 'somebody keeps changing it back; find out who, then run "twinkeeper release POLICY"',
  'heldBack: competingConfiguration': 'a configuration of the hub sets another value',
  failed: 'given up; "twinkeeper drift --outcome failed --from -30d" says why',
  deferred: 'waits for a retry',
  pending: 'being repaired',
};

/** Largest number of sentences about a sweep in the text. `--json` shows all. */
const mostSentences = 5;

/** Renders the whole output of `twinkeeper status`. The text has no control characters that could harm a terminal. */
export function renderCompliance(status: Compliance, now: Date, colour: boolean): string {
  const paint = createColors(colour);
  const { bold, dim, green, yellow } = paint;
  const { policies, open, lastSweep, deadLetters } = status;
  const verdicts: Readonly<Record<Compliance['state'], string>> = {
    compliant: green('Nothing is out of line.'),
    outOfLine: yellow('Something is out of line.'),
    unknown: yellow('Compliance is unknown: no sweep has ended yet. "twinkeeper sweep" asks for one.'),
  };
  const head = ['policy', 'devices', 'compliant', '', 'out of line'].map(paint.dim);
  return [
    `${bold('Fleet')}         ${describeFleet(status, now, paint)}`,
    '',
    plainTable(
      head,
      policies.map((policy) => policyRow(policy, paint)),
    ),
    '',
    `${bold('Open drift')}    ${grouped(open.total)}${dim(countedBefore(open.countedAt, now))}`,
    ...(open.total === 0 ? [] : [indent(plainTable([], Object.entries(open.byReason).map(reasonRow)))]),
    `${bold('Last sweep')}    ${lastSweep === undefined ? 'none so far' : describeSweep(lastSweep, now)}`,
    ...sentences(lastSweep).map((sentence) => `  ${sentence}`),
    `${bold('Dead letters')}  ${deadLetters === 0 ? '0' : yellow(`${deadLetters < mostDeadLetters ? '' : 'at least '}${grouped(deadLetters)}, which "twinkeeper dead-letters" lists`)}`,
    `${bold('Twinkeeper')}    ${describeHealth(status, paint)}`,
    '',
    bold(verdicts[status.state]),
  ].join('\n');
}

/** How many devices keep to all policies that apply to them. What was not counted is said, and never shown as 100 %. */
function describeFleet(
  { fleet, open: { countedAt }, lastSweep }: Pick<Compliance, 'fleet' | 'open' | 'lastSweep'>,
  now: Date,
  { green, yellow, dim }: Paint,
): string {
  const { devices, devicesCountedAt, isExact, outOfLine, compliant, percent } = fleet;
  if (devices === null || devicesCountedAt === null) {
    return yellow('not counted yet: no sweep has looked at all policies so far');
  }
  if (outOfLine === null || compliant === null) return yellow(`${grouped(devices)} devices, not counted yet`);
  if (devices === 0) return 'no devices';
  const atMost = isExact === false ? 'at most ' : '';
  const text = `${atMost}${grouped(compliant)} of ${grouped(devices)} devices keep to all policies (${percent?.toFixed(2)} %)`;
  const old = [devicesCountedAt, countedAt].toSorted()[0] ?? countedAt;
  // Devices that wait in the queue of the sweep are not looked at yet.
  const isWell = compliant === devices && isExact !== false && (lastSweep?.waiting ?? 0) === 0;
  return `${isWell ? green(text) : yellow(text)}${dim(countedBefore(old, now))}`;
}

function policyRow({ policy, devices, compliant, outOfLine }: PolicyCompliance, { green, yellow, dim }: Paint) {
  const name = safeText(policy, 64);
  const broken = outOfLine === 0 ? '0' : yellow(grouped(outOfLine));
  if (devices === undefined || compliant === undefined) return [name, dim('not counted'), '', '', broken];
  // The percentage is rounded down: 999,999 compliant devices of 1,000,000 are not 100 %.
  const share = devices === 0 ? '' : `${(Math.floor((1000 * compliant) / devices) / 10).toFixed(1)} %`;
  const isAll = compliant === devices;
  return [name, grouped(devices), isAll ? green(grouped(compliant)) : grouped(compliant), share, broken];
}

function reasonRow([reason, count]: readonly [string, number]): readonly string[] {
  return [grouped(count), safeText(reason, 64), reasons[reason] ?? reasons[reason.split(':')[0] ?? ''] ?? ''];
}

function describeSweep(row: SweepRow, now: Date): string {
  const { startedAt, endedAt, state, examined, found, changed, hubCalls, waiting, heldBack } = row;
  const when = endedAt === undefined ? `${state} since ${ago(startedAt, now)}` : `${state} ${ago(endedAt, now)}`;
  const rest = [
    ...(waiting > 0 ? [`${grouped(waiting)} waiting in the queue`] : []),
    ...(heldBack > 0 ? [`${grouped(heldBack)} held back and unchanged`] : []),
  ]
    .map((text) => `, ${text}`)
    .join('');
  return `${when}: ${grouped(examined)} examined, ${grouped(found)} found, ${grouped(changed)} changed, ${grouped(hubCalls)} hub calls${rest}`;
}

function sentences(sweep: SweepRow | undefined): readonly string[] {
  const all = [...(sweep?.warnings ?? []), ...(sweep?.competing ?? []), ...(sweep?.walked ?? [])];
  const rest = all.length - mostSentences;
  return [
    ...all.slice(0, mostSentences).map((sentence) => safeText(sentence, 400)),
    ...(rest > 0 ? [`… and ${grouped(rest)} more: see --json.`] : []),
  ];
}

/** Whether the app works, and a line with what is wrong and a line with what to do for each problem. */
function describeHealth(status: Compliance, { green, yellow, red, dim }: Paint): string {
  const { health, problems } = status;
  if (health?.status === 'unknown') return yellow('not known: its health check is slow, so ask again');
  if (health === undefined && problems === undefined) return dim('not known: it has not stored how it is');
  const needsSomebody = (problems ?? []).some(({ severity }) => severity === 'warning');
  const verdict = isIll(status)
    ? red('does not work')
    : needsSomebody
      ? yellow('works, needs attention')
      : green('works');
  // An older app tells its parts and not its problems.
  const faults = problems === undefined ? Object.values(health?.checks ?? {}).filter(({ ok }) => !ok) : [];
  const marks: Readonly<Record<HealthProblem['severity'], string>> = {
    ill: red('ill'),
    warning: yellow('warning'),
    information: dim('note'),
  };
  return [
    verdict,
    ...faults.map(({ detail }) => `  ${safeText(detail, 400)}`),
    ...(problems ?? []).flatMap(({ severity, sentence, advice }) => [
      `  ${marks[severity]}: ${safeText(sentence, 400)}`,
      `    ${dim(safeText(advice, 400))}`,
    ]),
  ].join('\n');
}

/** Says how old a count is, unless it was made just now. */
function countedBefore(countedAt: string, now: Date): string {
  return now.getTime() - Date.parse(countedAt) < 10_000 ? '' : `  counted ${ago(countedAt, now)}`;
}

function ago(at: string, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - Date.parse(at)) / 1000));
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min ago`;
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h ago` : `${Math.round(seconds / 86_400)} days ago`;
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ');
}

function grouped(number: number): string {
  return number.toLocaleString('en-US');
}
