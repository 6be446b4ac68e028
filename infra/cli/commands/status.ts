import { Command } from 'commander';
import { hasColour } from '../view/colour.ts';
import { complianceOf, isIll } from './compliance.ts';
import { type HistoryOptions, historyHelp, historyOf, withHistoryOptions } from './history-option.ts';
import { parsePastTime } from './time-option.ts';

/** `twinkeeper status`: shows how many devices of the fleet are compliant with each policy. */
export function statusCommand(): Command {
  return withHistoryOptions(new Command('status'))
    .summary('Shows compliance, open drift, the last sweep, and whether Twinkeeper works.')
    .description(
      'Shows how many devices comply with each policy, the drift that is not repaired and why, the last sweep, the number of ' +
        'dead letters, and the problems of Twinkeeper itself. The command reads the history and makes no hub calls.',
    )
    .option(
      '--at <time>',
      'Shows this time instead: the policies that were in force, how many devices complied, and what was out of line. UTC without a zone.',
      (text) => parsePastTime(text),
    )
    .option('--json', 'Prints one JSON document.')
    .addHelpText(
      'after',
      `
The exit code is
  0  when all devices comply and Twinkeeper works,
  1  before the end of the first sweep, or on an error,
  2  when a device is out of line,
  3  when Twinkeeper does not do its work, whatever the devices do.
With --at, it is 0 when nothing was out of line, 2 when something was, and 1 when nothing is known about that time.

${historyHelp}

Examples:
  $ twinkeeper status
  $ twinkeeper status --endpoints endpoints.json --json | jq .open.byReason
  $ twinkeeper status --at 2026-11-18T09:00Z
  $ twinkeeper status --json | jq -r '.problems[]? | .severity + " " + .sentence'
  $ twinkeeper status > /dev/null || notify "twins are out of line"`,
    )
    .action(status);
}

interface StatusOptions extends HistoryOptions {
  readonly at?: string;
  readonly json?: true;
}

async function status({ json, at, ...options }: StatusOptions): Promise<void> {
  if (at !== undefined) {
    const { showStatusAt } = await import('./status-at.ts');
    return showStatusAt(await historyOf(options), at, json === true);
  }
  const compliance = await complianceOf(await historyOf(options));
  // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
  process.exitCode = isIll(compliance) ? 3 : { compliant: 0, outOfLine: 2, unknown: 1 }[compliance.state];
  if (json) {
    const { safeJson } = await import('../view/safe-text.ts');
    process.stdout.write(`${safeJson(compliance)}\n`);
    return;
  }
  const { renderCompliance } = await import('../view/compliance-view.ts');
  const colour = hasColour(process.stdout);
  process.stdout.write(`${renderCompliance(compliance, new Date(), colour)}\n`);
}
