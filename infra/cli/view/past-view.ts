/** The texts that `twinkeeper device --at` and `twinkeeper status --at` show. Pure functions. */
import { createColors } from 'picocolors';
import type { DeviceThenAnswer, RowThen, StandingThen, Verification } from '../../../functions/api/answers.ts';
import { subjectOf } from './drift-table.ts';
import { plainTable } from './plain-table.ts';
import { safeText } from './safe-text.ts';

/** What was so for the fleet at a time. */
export interface StatusThen extends StandingThen {
  readonly open: {
    /** Number of open rows. At most 5,000 are counted. */
    readonly total: number;
    /** Whether there were more. */
    readonly isMore: boolean;
    /** Number of these rows by policy, and by state: `audited`, `heldBack`, `contested`, `failed`, `deferred`, `pending`, `unknown`. */
    readonly byPolicy: Readonly<Record<string, number>>;
    readonly byState: Readonly<Record<string, number>>;
    /** The first devices with an open row. */
    readonly devices: readonly string[];
  };
}

type Paint = ReturnType<typeof createColors>;

const sources: Readonly<Record<string, string>> = {
  event: 'by an event',
  read: 'by a read',
  sweepQuery: 'by the query of a sweep',
  sweepRead: 'by a sweep that read all twins',
};

/** Says when a device was last looked at, a line for each policy. */
export function describeLooks(verified: Verification['verified']): string {
  if (verified.length === 0) return 'When the device was last looked at is not known: no sweep has ended yet.';
  const rows = verified.map(({ policy, at, how }) => [`  ${safeText(policy, 64)}`, short(at), sources[how] ?? how]);
  return ['Last looked at, before this command', plainTable([], rows)].join('\n');
}

/** Renders a device at a time. The text has no control characters that could harm a terminal. */
export function renderDeviceAt(device: DeviceThenAnswer, colour: boolean): string {
  const paint = createColors(colour);
  const { deviceId, at, policies, open, verified, lastVerifiedAt } = device;
  const applies = { yes: 'yes', no: 'no', unknown: 'by its tags then' };
  const rows = policies.map(({ policy, version, mode, since, applies: doesApply }) => {
    const look = verified.find((one) => one.policy === policy);
    const looked = look === undefined ? 'never' : `${short(look.at)} ${sources[look.how] ?? look.how}`;
    return [safeText(policy, 64), mode, version, short(since), applies[doesApply], doesApply === 'no' ? '' : looked];
  });
  return [
    `${paint.bold(safeText(deviceId))} at ${paint.bold(at)} (UTC)`,
    '',
    ...policyTable(device, ['policy', 'mode', 'version', 'in force since', 'applied', 'last looked at'], rows, paint),
    '',
    ...openPart(open, paint),
    '',
    open.length > 0
      ? paint.bold(paint.yellow('Something was out of line.'))
      : lastVerifiedAt === undefined
        ? paint.bold(
            'Nothing is known to have been out of line, but the device was not looked at for each of its policies.',
          )
        : paint.bold(`Nothing was out of line when the device was last looked at, at ${lastVerifiedAt} or later.`),
    ...(device.isRecorded === false
      ? [paint.dim('The history has no row of this device. It may not have existed then: check its id.')]
      : []),
    ...incomplete(device, paint),
  ].join('\n');
}

/** Renders the fleet at a time. The text has no control characters that could harm a terminal. */
export function renderStatusAt(status: StatusThen, colour: boolean): string {
  const paint = createColors(colour);
  const { at, policies, open } = status;
  const rows = policies.map(({ policy, version, mode, since, counted }) => [
    safeText(policy, 64),
    mode,
    version,
    short(since),
    ...(counted === undefined ? ['not counted', ''] : [grouped(counted.devices), grouped(counted.compliant)]),
    grouped(open.byPolicy[policy] ?? 0),
  ]);
  const total = `${open.isMore ? 'at least ' : ''}${grouped(open.total)}`;
  return [
    `The fleet at ${paint.bold(at)} (UTC)`,
    '',
    ...policyTable(
      status,
      ['policy', 'mode', 'version', 'in force since', 'devices', 'compliant', 'open drift'],
      rows,
      paint,
    ),
    '',
    `${paint.bold('Open drift')}  ${total}`,
    ...Object.entries(open.byState).map(([state, count]) => `  ${grouped(count)} ${safeText(state, 20)}`),
    ...(open.devices.length === 0
      ? []
      : [paint.dim(`  such as of ${open.devices.map((id) => safeText(id)).join(', ')}`)]),
    '',
    open.total === 0 ? paint.bold('Nothing was out of line.') : paint.bold(paint.yellow('Something was out of line.')),
    ...incomplete(status, paint),
  ].join('\n');
}

function policyTable(
  { policies, appVersion }: Pick<StatusThen, 'appVersion'> & { readonly policies: readonly unknown[] },
  head: readonly string[],
  rows: readonly (readonly string[])[],
  paint: Paint,
): readonly string[] {
  if (policies.length === 0) return ['What was in force is not known: the record of policies begins later.'];
  return [plainTable(head.map(paint.dim), rows), paint.dim(`app version ${safeText(appVersion ?? 'unknown', 40)}`)];
}

function openPart(open: readonly RowThen[], paint: Paint): readonly string[] {
  if (open.length === 0) return [`${paint.bold('Out of line')}  nothing`];
  const rows = open.map((row) => [
    `  ${short(row.detectedAt)}`,
    safeText(row.moduleId || '(device twin)', 40),
    safeText(subjectOf(row), 60),
    paint.yellow(safeText(row.was.outcome ?? 'not known', 10)),
    row.was.since === undefined ? '' : `since ${short(row.was.since)}`,
  ]);
  const lines = plainTable([], rows).split('\n');
  return [
    paint.bold('Out of line'),
    ...open.flatMap(({ why }, index) => [lines[index] ?? '', paint.dim(`    ${safeText(why.reason, 300)}`)]),
  ];
}

function incomplete({ at, completeSince }: { readonly at: string; readonly completeSince?: string }, paint: Paint) {
  return completeSince === undefined || completeSince <= at
    ? []
    : [
        paint.dim(
          `Retention has removed closed rows that were detected before ${completeSince}, so more may have been out of line.`,
        ),
      ];
}

/** A time to the second. */
function short(at: string): string {
  return safeText(`${at.slice(0, 19)}Z`, 20);
}

function grouped(number: number): string {
  return number.toLocaleString('en-US');
}
