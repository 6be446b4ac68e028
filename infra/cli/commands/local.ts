import { Command, InvalidArgumentError } from 'commander';
import { parseNumber, parseShare, parseThrottle } from '../../local/hub-behaviour.ts';
import type { RunOptions } from '../../local/run-options.ts';

/** Many more would need more memory than the local hub may take. */
const mostDevices = 100_000;

/** `twinkeeper local`: the whole system on this machine. */
export function localCommand(): Command {
  return new Command('local')
    .description(
      'Runs the whole system on this machine, on loopback only: Azurite, a local IoT Hub, the functions, and a demo fleet\n' +
        'whose twins are disturbed so that there is something to mend. Ctrl-C ends all of it.',
    )
    .option('--devices <n>', 'how many devices the demo fleet has', wholeNumber(1, mostDevices), 20)
    .option('--no-demo', 'only the services: no fleet, and nothing is disturbed')
    .option('--endpoints <file>', 'write where everything is to this file, as JSON, when all is ready')
    .option('--port-base <n>', 'use ports n to n+6 (default: any free ones)', wholeNumber(1, 65_535 - 6))
    .option('--seed <n>', "decides the demo's randomness", wholeNumber(0, 2 ** 32 - 1), 1)
    .option(
      '--once',
      'seed the fleet, disturb it, wait until all is settled, print a summary; exit 0 only if all is right',
    )
    .option('--no-events', 'the hub routes no events: what is out of line is found by sweeps alone')
    .option('--faults <share>', "this share of Twinkeeper's hub calls fails in one way or another", parseShare)
    .option('--throttle <tier:units>', 'the hub throttles like one of this tier, such as S1:2', parseThrottle)
    .option('--query-lag <seconds>', "queries see the hub's twins as they were so long ago", parseNumber)
    .option('--time-scale <n>', 'for throttles and lag, time runs n times as fast', wholeNumber(1, 3600))
    .option('--json', 'with --once: print the summary as JSON, and nothing else')
    .addHelpText(
      'after',
      `
Examples:
  $ npm start                                              watch it happen
  $ npm start -- --once --devices 100                      a full run that ends by itself
  $ npm start -- --once --json --devices 1000 --seed 7     the same, for a program
  $ npm start -- --once --no-events                        the same without events: the sweep finds everything
  $ npm start -- --once --faults 20%                       the same on a bad day: every fifth hub call fails
  $ npm start -- --no-demo --endpoints endpoints.json      only the services, for your own clients
  $ npm start -- --port-base 7000                          hub 7000, events 7001, control 7002, functions 7003,
                                                           blobs 7004, queues 7005, tables 7006`,
    )
    .action(async (options: RunOptions, command: Command) => {
      if (options.json === true && options.once !== true) command.error('error: --json goes with --once.');
      if (options.once === true && !options.demo)
        command.error('error: --once is the demo: it cannot go with --no-demo.');
      const [{ runLocal }, { openOutput }, { startProgress }] = await Promise.all([
        import('../../local/run-local.ts'),
        import('../view/open-output.ts'),
        import('../view/start-progress.ts'),
      ]);
      process.exit(await runLocal(options, { progress: startProgress(), openOutput }));
    });
}

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < least || value > most) {
      throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
    }
    return value;
  };
}
