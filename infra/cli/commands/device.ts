import { Command } from 'commander';
import picocolors from 'picocolors';
import type { DriftRow } from '../../../shared/drift/index.ts';
import { hasColour } from '../view/colour.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import { type HistoryOptions, historyHelp, historyOf, withHistoryOptions } from './history-option.ts';
import { type HistorySource, type LiveDevice, pagesOf } from './history-source.ts';
import { parseCount } from './query-option.ts';

interface DeviceOptions extends HistoryOptions {
  readonly hub?: string;
  readonly limit: number;
  readonly all?: true;
  readonly json?: true;
}

/** What there is to tell of one device. */
interface DeviceReport {
  readonly deviceId: string;
  /** Nothing is out of line now: in its twins or, where those cannot be read, as far as the history knows. */
  readonly inLine: boolean;
  /** Newest first. */
  readonly rows: readonly DriftRow[];
  readonly open: readonly DriftRow[];
  /** Its twins now; absent where no hub is named. */
  readonly live?: LiveDevice;
}

/** Far more than policies can find wrong with one device. */
const mostOpen = 1000;

/** `twinkeeper device ID`: what happened to a device, and how its twins are now. */
export function deviceCommand(): Command {
  const command = new Command('device')
    .summary('show what happened to a device, and how its twins differ from the baseline now')
    .description(
      'Shows the timeline of a device, newest last, and what its twins are now (-) beside what its policies want (+). The twins are read ' +
        'from the hub, and nothing is changed.',
    )
    .argument('<id>', 'the device; ids are case-sensitive, and one that begins with a dash comes after "--"');
  return withHistoryOptions(command)
    .option(
      '--hub <connection-string>',
      'the hub (default: that of --endpoints, or IOTHUB_HOSTNAME with your own identity, or IOTHUB_CONNECTION_STRING, of the environment)',
    )
    .option('--limit <n>', 'rows of the timeline', parseCount, 50)
    .option('--all', 'also the properties that are as wanted')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
The exit code is 0 when the device is in line, 2 when something is out of line, and 1 when there is no such device or it cannot be said.
Without a hub there is the timeline alone; with --url the app itself reads the twins.

${historyHelp}

Examples:
  $ twinkeeper device press-01
  $ twinkeeper device press-01 --endpoints endpoints.json --all
  $ twinkeeper device press-01 --json | jq '.live.modules[].properties[] | select(.ok | not)'`,
    )
    .action(device);
}

async function device(deviceId: string, options: DeviceOptions): Promise<void> {
  const history = await historyOf(options);
  const [rows, { rows: open }, live] = await Promise.all([
    newest(history, deviceId, options.limit),
    history.open({ deviceId }, mostOpen),
    readLive(history, deviceId, options),
  ]);
  if (rows.length === 0 && live?.exists !== true) {
    const where = live === undefined ? '' : ' and the hub has no such device';
    throw new Error(
      `The history has nothing of a device ${safeText(deviceId)}${where}. Ids are case-sensitive: is it written so?`,
    );
  }
  const told = rows[0]?.hub;
  if (live?.hub !== undefined && told !== undefined && told !== live.hub) {
    process.stderr.write(
      `The history is of the hub ${safeText(told)}, and the twins are of ${safeText(live.hub)}: do the options belong together?\n`,
    );
  }
  const inLine =
    live?.exists === true
      ? live.modules.every(({ properties }) => properties.every(({ ok }) => ok))
      : open.length === 0;
  const report: DeviceReport = { deviceId, inLine, rows, open, ...(live === undefined ? {} : { live }) };
  // Set before anything is written: when nobody reads on, that has the last word.
  process.exitCode = inLine ? 0 : 2;
  process.stdout.write(options.json ? `${safeJson(report)}\n` : `${await render(report, options)}\n`);
}

async function newest(history: HistorySource, deviceId: string, limit: number): Promise<readonly DriftRow[]> {
  const rows: DriftRow[] = [];
  for await (const page of pagesOf(history, { deviceId }, limit)) rows.push(...page.rows);
  return rows;
}

/** The twins as they are now, from the hub that is named or else from the app that tells the history; `undefined` where there is neither. */
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
  const door = connectToHub(address, { budget, ...(ca === undefined ? {} : { ca }) });
  const now = () => new Date();
  const parts = { policies: toPolicySet(policies, { mode: 'enforce' }), hub: door, now };
  const comparison = await compareDevice(deviceId, parts).catch((error: Error) => {
    // The API keeps the hub's own words to itself; whoever sits here may know them.
    throw new Error(`${error.message}${typeof error.cause === 'string' ? ` (${safeText(error.cause, 400)})` : ''}`);
  });
  const { at = now().toISOString(), modules = [] } = comparison ?? {};
  return { exists: comparison !== undefined, at, modules, hub: door.name };
}

async function render({ deviceId, inLine, rows, open, live }: DeviceReport, { all }: DeviceOptions): Promise<string> {
  const [{ renderTimeline }, { renderTwinDiff }, { terminalSize }] = await Promise.all([
    import('../view/timeline.ts'),
    import('../view/twin-diff.ts'),
    import('../view/terminal-size.ts'),
  ]);
  const { stdout } = process;
  const colour = hasColour(stdout);
  const place = { colour, ...(stdout.isTTY ? { columns: terminalSize(stdout).columns } : {}) };
  const timeline = rows.length === 0 ? 'Nothing has ever been out of line here.' : renderTimeline(rows, place);
  const count = open.length === 1 ? '1 departure is' : `${open.length} departures are`;
  const known = `${count} out of line as far as the history knows.`;
  const now =
    live === undefined
      ? `${known} To see its twins, name the hub: --hub, or IOTHUB_HOSTNAME in the environment.`
      : !live.exists
        ? `The hub has no such device any more. ${open.length === 0 ? '' : known}`.trim()
        : live.modules.length === 0
          ? 'No policy applies to this device.'
          : `${renderTwinDiff(live.modules, { all: all === true, colour })}\n\n${inLine ? 'It is in line.' : 'It is out of line.'}`;
  return `${picocolors.createColors(colour).bold(safeText(deviceId))}\n\n${timeline}\n\n${now}`;
}
