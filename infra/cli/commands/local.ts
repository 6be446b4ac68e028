import { Command, InvalidArgumentError } from 'commander';
import { parseNumber, parseShare, parseThrottle } from '../../local/hub-behaviour.ts';
import type { RunOptions } from '../../local/run-options.ts';

/** Largest number of devices in a demo fleet. More devices would need too much memory in the local hub. */
const mostDevices = 100_000;

/** `twinkeeper local`: runs the whole system on this machine, with a local hub instead of Azure IoT Hub. */
export function localCommand(): Command {
  return new Command('local')
    .description(
      'Runs the whole system on this machine, on loopback only: Azurite, a local IoT Hub, the functions, and a demo that\n' +
        'creates a fleet and disturbs its twins. Ctrl-C ends all of it.',
    )
    .option('--devices <n>', 'number of devices in the demo fleet', wholeNumber(1, mostDevices), 20)
    .option('--no-demo', 'start only the services, without the demo')
    .option(
      '--endpoints <file>',
      'write the addresses and keys of the services to this file, as JSON, when all is ready',
    )
    .option('--port-base <n>', 'use the ports n to n+6 (default: any free ports)', wholeNumber(1, 65_535 - 6))
    .option('--seed <n>', 'the demo makes the same disturbances for the same seed', wholeNumber(0, 2 ** 32 - 1), 1)
    .option(
      '--once',
      'create the fleet, disturb it, wait until all is settled, print a summary; exit with 0 only if all is right',
    )
    .option('--no-events', 'the hub routes no events, so only sweeps find departures')
    .option('--faults <share>', "this share of Twinkeeper's hub calls fails, such as 20%", parseShare)
    .option('--throttle <tier:units>', 'the hub throttles like one of this tier, such as S1:2', parseThrottle)
    .option('--query-lag <seconds>', 'queries lag behind the twins by this many seconds', parseNumber)
    .option('--time-scale <n>', 'time runs n times as fast for throttles and lag', wholeNumber(1, 3600))
    .option('--json', 'with --once: print only the summary, as JSON')
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
      if (options.json === true && options.once !== true) command.error('error: --json needs --once.');
      if (options.once === true && !options.demo)
        command.error('error: --once runs the demo, so it cannot be used with --no-demo.');
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
