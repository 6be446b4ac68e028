import { Command } from 'commander';
import { hasColour } from '../view/colour.ts';
import { complianceOf } from './compliance.ts';
import { type HistoryOptions, historyHelp, historyOf, withHistoryOptions } from './history-option.ts';

/** `twinkeeper status`: how things stand. */
export function statusCommand(): Command {
  return withHistoryOptions(new Command('status'))
    .summary('say how things stand: compliance, open drift, the last sweep, dead letters')
    .description(
      'Says how many devices keep to each policy, what is out of line now and why it is not mended, what the last sweep did, and how ' +
        'many events were given up. The hub is not asked: what is out of line is known from events and sweeps.',
    )
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      `
The exit code is 0 when nothing is out of line, 2 when something is, and 1 when it cannot be said: also as long as no sweep has ended.

${historyHelp}

Examples:
  $ twinkeeper status
  $ twinkeeper status --endpoints endpoints.json --json | jq .open.byReason
  $ twinkeeper status > /dev/null || notify "twins are out of line"`,
    )
    .action(status);
}

async function status({ json, ...options }: HistoryOptions & { readonly json?: true }): Promise<void> {
  const compliance = await complianceOf(await historyOf(options));
  // Set before anything is written: when nobody reads on, that has the last word.
  process.exitCode = { compliant: 0, outOfLine: 2, unknown: 1 }[compliance.state];
  if (json) {
    const { safeJson } = await import('../view/safe-text.ts');
    process.stdout.write(`${safeJson(compliance)}\n`);
    return;
  }
  const { renderCompliance } = await import('../view/compliance-view.ts');
  const colour = hasColour(process.stdout);
  process.stdout.write(`${renderCompliance(compliance, new Date(), colour)}\n`);
}
