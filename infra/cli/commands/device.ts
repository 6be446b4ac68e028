import { Command, Option } from 'commander';
import picocolors from 'picocolors';
import type { Verification } from '../../../functions/api/answers.ts';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { hasColour } from '../view/colour.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import { type HistoryOptions, historyHelp, historyOf, withHistoryOptions } from './history-option.ts';
import { type HistorySource, type LiveDevice, pagesOf } from './history-source.ts';
import { parseCount } from './query-option.ts';
import { parsePastTime } from './time-option.ts';

interface DeviceOptions extends HistoryOptions {
  readonly hub?: string;
  readonly limit: number;
  readonly all?: true;
  readonly at?: string;
  readonly json?: true;
}

/** The result of `twinkeeper device` for one device. */
interface DeviceReport extends Verification {
  readonly deviceId: string;
  /** Whether the device's twins are compliant now. If the twins cannot be read: whether the history has no open row of the device. */
  readonly inLine: boolean;
  /** Rows of the device's history, newest first. */
  readonly rows: readonly DriftRow[];
  readonly open: readonly DriftRow[];
  /** The device's twins as they are now, compared with the policies. Absent when no hub is given and the app does not read the twins. */
  readonly live?: LiveDevice;
}

/** Largest number of open rows that the command reads. One device never has this many. */
const mostOpen = 1000;

/** `twinkeeper device ID`: shows the history of a device, and how its twins differ from the baselines of the policies now. */
export function deviceCommand(): Command {
  const command = new Command('device')
    .summary('Shows the history of a device, and how its twins differ from the baseline now.')
    .description(
      'Shows the timeline of a device, newest last. Then shows the values in its twins now (-) and the values that its policies want (+). ' +
        'The command reads the twins from the hub, and changes nothing.',
    )
    .argument('<id>', 'The case-sensitive id of the device. Write "--" before an id that begins with a dash.');
  return withHistoryOptions(command)
    .option(
      '--hub <connection-string>',
      'Names the hub. Without this option: the hub of --endpoints, IOTHUB_HOSTNAME with your own identity, or IOTHUB_CONNECTION_STRING.',
    )
    .option('--limit <n>', 'Limits the number of rows in the timeline.', parseCount, 50)
    .option('--all', 'Also lists the compliant properties.')
    .addOption(
      new Option(
        '--at <time>',
        'Shows the device at this time instead: the policies that were in force, what was out of line, and what had been decided. UTC without a zone.',
      )
        .argParser((text) => parsePastTime(text))
        .conflicts(['all', 'hub']),
    )
    .option('--json', 'Prints one JSON document.')
    .addHelpText(
      'after',
      `
The exit code is 0 when the device is compliant, 2 when it is out of line, and 1 when it does not exist or cannot be read.
With --at, it is 0 when nothing was out of line, 2 when something was, and 1 when nothing is known about that time.
Without a hub, the command shows only the timeline. With --url, the app reads the twins.

${historyHelp}

Examples:
  $ twinkeeper device press-01
  $ twinkeeper device press-01 --endpoints endpoints.json --all
  $ twinkeeper device press-01 --at 2026-11-18T09:00Z
  $ twinkeeper device press-01 --json | jq '.live.modules[].properties[] | select(.ok | not)'`,
    )
    .action(device);
}

async function device(deviceId: string, options: DeviceOptions): Promise<void> {
  const history = await historyOf(options);
  if (options.at !== undefined) {
    const { showDeviceAt } = await import('./device-at.ts');
    return showDeviceAt(history, deviceId, options.at, options.json === true);
  }
  const [rows, { rows: open }, live, { verified, lastVerifiedAt }] = await Promise.all([
    newest(history, deviceId, options.limit),
    history.open({ deviceId }, mostOpen),
    readLive(history, deviceId, options),
    history.deviceAt(deviceId, new Date().toISOString()),
  ]);
  if (rows.length === 0 && live?.exists !== true) {
    const where = live === undefined ? '' : ' and the hub has no such device';
    throw new Error(
      `The history has no rows of a device ${safeText(deviceId)}${where}. Ids are case-sensitive: check the spelling.`,
    );
  }
  const historyHub = rows[0]?.hub;
  if (live?.hub !== undefined && historyHub !== undefined && historyHub !== live.hub) {
    process.stderr.write(
      `The history is of the hub ${safeText(historyHub)}, but the twins are of ${safeText(live.hub)}: check --storage and --hub.\n`,
    );
  }
  const inLine =
    live?.exists === true
      ? live.modules.every(({ properties }) => properties.every(({ ok }) => ok))
      : open.length === 0;
  const report: DeviceReport = {
    ...{ deviceId, inLine, rows, open, verified },
    ...(lastVerifiedAt === undefined ? {} : { lastVerifiedAt }),
    ...(live === undefined ? {} : { live }),
  };
  // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
  process.exitCode = inLine ? 0 : 2;
  process.stdout.write(options.json ? `${safeJson(report)}\n` : `${await render(report, options)}\n`);
}

async function newest(history: HistorySource, deviceId: string, limit: number): Promise<readonly DriftRow[]> {
  const rows: DriftRow[] = [];
  for await (const page of pagesOf(history, { deviceId }, limit)) rows.push(...page.rows);
  return rows;
}

/**
 * Reads the device's twins from the hub of the options or the environment. With `--url`, and without `--hub`, the app reads them. Resolves
 * with `undefined` when no hub and no app is given.
 */
async function readLive(
  history: HistorySource,
  deviceId: string,
  { hub, endpoints }: DeviceOptions,
): Promise<LiveDevice | undefined> {
  if (hub === undefined && history.device !== undefined) return history.device(deviceId);
  const { IOTHUB_HOSTNAME, IOTHUB_CONNECTION_STRING } = process.env;
  if (hub === undefined && endpoints === undefined && !IOTHUB_HOSTNAME && !IOTHUB_CONNECTION_STRING) return undefined;
  const [{ hubOf }, { connectToHub }, { compareDevice }, { toPolicySet }, { policies }] = await Promise.all([
    import('./hub-option.ts'),
    import('../../../shared/hub/index.ts'),
    import('../../../functions/api/compare-device.ts'),
    import('../../../shared/policy/index.ts'),
    import('../../../functions/policies/index.ts'),
  ]);
  const { address, ca, budget } = await hubOf({
    ...(hub === undefined ? {} : { hub }),
    ...(endpoints === undefined ? {} : { endpoints }),
  });
  const hubClient = connectToHub(address, { budget, ...(ca === undefined ? {} : { ca }) });
  const now = () => new Date();
  const dependencies = { policies: toPolicySet(policies, { mode: 'enforce' }), hub: hubClient, now };
  const comparison = await compareDevice(deviceId, dependencies).catch((error: Error) => {
    // The HTTP API hides the hub's error message. The operator at the terminal may see the message.
    throw new Error(`${error.message}${typeof error.cause === 'string' ? ` (${safeText(error.cause, 400)})` : ''}`);
  });
  const { at = now().toISOString(), modules = [] } = comparison ?? {};
  return { exists: comparison !== undefined, at, modules, hub: hubClient.name };
}

async function render(
  { deviceId, inLine, rows, open, verified, live }: DeviceReport,
  { all }: DeviceOptions,
): Promise<string> {
  const [{ describeLooks }, { renderTimeline }, { renderTwinDiff }, { terminalSize }] = await Promise.all([
    import('../view/past-view.ts'),
    import('../view/timeline.ts'),
    import('../view/twin-diff.ts'),
    import('../view/terminal-size.ts'),
  ]);
  const { stdout } = process;
  const colour = hasColour(stdout);
  const destination = { colour, ...(stdout.isTTY ? { columns: terminalSize(stdout).columns } : {}) };
  const timeline =
    rows.length === 0 ? 'The history has no departures of this device.' : renderTimeline(rows, destination);
  const count = open.length === 1 ? '1 departure is' : `${open.length} departures are`;
  const openNow = `According to the history, ${count} open.`;
  const now =
    live === undefined
      ? `${openNow} To see the twins, name the hub: --hub, or IOTHUB_HOSTNAME in the environment.`
      : !live.exists
        ? `The device is no longer in the hub. ${open.length === 0 ? '' : openNow}`.trim()
        : live.modules.length === 0
          ? 'No policy applies to this device.'
          : `${renderTwinDiff(live.modules, { all: all === true, colour })}\n\n${inLine ? 'The device is compliant.' : 'The device is out of line.'}`;
  return `${picocolors.createColors(colour).bold(safeText(deviceId))}\n\n${timeline}\n\n${describeLooks(verified)}\n\n${now}`;
}
