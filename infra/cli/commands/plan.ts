import { Command } from 'commander';
import { policies as deployed } from '../../../functions/policies/index.ts';
import { systemClock } from '../../../shared/clock.ts';
import { type ForecastProgress, forecast } from '../../../shared/forecast/index.ts';
import { describeCompeting } from '../../../shared/guards/index.ts';
import { connectToHub } from '../../../shared/hub/index.ts';
import { catchLateErrors, toPolicySet } from '../../../shared/policy/index.ts';
import { hasColour } from '../view/colour.ts';
import { safeJson, safeText } from '../view/safe-text.ts';
import { type HubOptions, hubOf, withHubOptions } from './hub-option.ts';

interface PlanOptions extends HubOptions {
  readonly policies?: string;
  readonly json?: true;
}

/** `twinkeeper plan`: forecasts the changes that the app would make to a hub, and changes nothing. */
export function planCommand(): Command {
  return withHubOptions(new Command('plan'))
    .summary('Forecasts the repairs of a hub, and changes nothing.')
    .description(
      'Forecasts a sweep of a hub, and changes nothing. Shows the number of devices of each policy, the modules to create, the properties ' +
        'to change, the drift that would only be recorded, and the hub calls and the time of the sweep. ' +
        'The forecast uses queries, which can lag behind the twins by some minutes, and stays within the budget.',
    )
    .option('--policies <folder>', 'Uses the policies of this folder. Without this option: the policies of this build.')
    .option('--json', 'Prints one JSON document. This is the default when the output is not a terminal.')
    .addHelpText(
      'after',
      `
The exit code is 0 when there is nothing to do, 2 when there is something to repair or to record, and 1 when the forecast fails.
For audit policies, the app would only record drift. TWINKEEPER_MODE has no effect.

Examples:
  $ twinkeeper plan                                        the hub of the environment
  $ twinkeeper plan --hub "$CONNECTION_STRING" --tier S2 --units 4
  $ twinkeeper plan --policies ./drafts                    policies that are not deployed
  $ twinkeeper plan --endpoints endpoints.json --json | jq '.policies[] | { policy, propertiesToChange }'`,
    )
    .action(plan);
}

async function plan(options: PlanOptions): Promise<void> {
  const { address, ca, budget, blastRadius } = await hubOf(options);
  const policies =
    options.policies === undefined
      ? toPolicySet(deployed, { mode: 'enforce' })
      : await (await import('../load-policies.ts')).loadPolicies(options.policies);
  // An error that a policy's function throws later must not end the forecast.
  catchLateErrors(({ call, message }) => {
    process.stderr.write(
      `${safeText(`The policy ${call.policy} failed for the device ${call.deviceId}: ${message}`, 1000)}\n`,
    );
  });
  // The forecast waits for the call budget without a time limit.
  const hub = connectToHub(address, {
    budget,
    longestWait: Number.POSITIVE_INFINITY,
    ...(ca === undefined ? {} : { ca }),
  });
  const { showProgress } = await import('../view/progress.ts');
  const progress = showProgress();
  const onProgress = (step: ForecastProgress) => progress.show(describeProgress(step));
  const result = await forecast({
    policies,
    hub,
    budget,
    limit: blastRadius,
    clock: systemClock,
    onProgress,
  }).finally(() => progress.end());

  // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
  process.exitCode = result.somethingToDo ? 2 : 0;
  if (options.json || !process.stdout.isTTY) {
    const competing = result.competing.map((setting) => ({ ...setting, message: describeCompeting(setting) }));
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
  return `Reading ${what}: ${number(done)}${total === undefined ? '' : ` of ${number(total)}`}`;
}
