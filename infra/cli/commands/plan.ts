import { Command } from 'commander';
import { policies as deployed } from '../../../functions/policies/index.ts';
import { systemClock } from '../../../shared/clock.ts';
import { type ForecastProgress, forecast } from '../../../shared/forecast/index.ts';
import { describeCompeting } from '../../../shared/guards/index.ts';
import { connectToHub } from '../../../shared/hub/index.ts';
import { toPolicySet } from '../../../shared/policy/index.ts';
import { hasColour } from '../view/colour.ts';
import { type HubOptions, hubOf, withHubOptions } from './hub-option.ts';

interface PlanOptions extends HubOptions {
  readonly policies?: string;
  readonly json?: true;
}

/** `twinkeeper plan`: what the app would do to a hub, without doing it. */
export function planCommand(): Command {
  return withHubOptions(new Command('plan'))
    .summary('say what would be done to a hub, and change nothing')
    .description(
      'Says what a sweep would do to a hub now, and changes nothing: devices in the scope of each policy, modules to create, ' +
        'properties to change, what would only be recorded, and the hub calls and the time that it would take. ' +
        'It asks with queries, which may lag the twins by some minutes, and keeps to the budget itself.',
    )
    .option('--policies <folder>', 'the policies of a folder, deployed or not (default: those of this app)')
    .option('--json', 'one JSON document, also without a terminal; tables are for terminals only')
    .addHelpText(
      'after',
      `
The exit code is 0 when there is nothing to do, 2 when there is something to mend or to record, and 1 when it cannot be said.
Audit policies are reported as such: what departs from them would be recorded. TWINKEEPER_MODE is not heeded.

Examples:
  $ twinkeeper plan                                        the hub of the environment, as the app has it
  $ twinkeeper plan --hub "$CONNECTION_STRING" --tier S2 --units 4
  $ twinkeeper plan --policies ./drafts                    policies that are not deployed
  $ twinkeeper plan --endpoints endpoints.json --json | jq '.policies[] | { policy, propertiesToChange }'`,
    )
    .action(plan);
}

async function plan(options: PlanOptions): Promise<void> {
  const { address, ca, budget, maxOverwrites } = await hubOf(options);
  const policies =
    options.policies === undefined
      ? toPolicySet(deployed, { mode: 'enforce' })
      : await (await import('../load-policies.ts')).loadPolicies(options.policies);
  // A walk has time: it waits for the budget as long as it takes.
  const hub = connectToHub(address, {
    budget,
    longestWait: Number.POSITIVE_INFINITY,
    ...(ca === undefined ? {} : { ca }),
  });
  const { showProgress } = await import('../view/progress.ts');
  const progress = showProgress();
  const onProgress = (step: ForecastProgress) => progress.say(describeProgress(step));
  const result = await forecast({
    policies,
    hub,
    budget,
    limit: maxOverwrites,
    clock: systemClock,
    onProgress,
  }).finally(() => progress.end());

  // Set before anything is written: when nobody reads on, that has the last word.
  process.exitCode = result.somethingToDo ? 2 : 0;
  if (options.json || !process.stdout.isTTY) {
    const competing = result.competing.map((setting) => ({ ...setting, message: describeCompeting(setting) }));
    const { safeJson } = await import('../view/safe-text.ts');
    process.stdout.write(`${safeJson({ ...result, competing })}\n`);
  } else {
    const [{ renderForecast }, { terminalSize }] = await Promise.all([
      import('../view/forecast-table.ts'),
      import('../view/terminal-size.ts'),
    ]);
    const { columns } = terminalSize(process.stdout);
    process.stdout.write(`${renderForecast(result, columns, hasColour(process.stdout))}\n`);
  }
}

function describeProgress({ what, done, total }: ForecastProgress): string {
  const number = (count: number) => count.toLocaleString('en-US');
  return `Looking at ${what}: ${number(done)}${total === undefined ? '' : ` of ${number(total)}`}`;
}
