import { Command, InvalidArgumentError } from 'commander';
import { parseNumber, parseShare, parseThrottle } from '../../local/hub-behaviour.ts';
import type { RunOptions } from '../../local/run-options.ts';

/** Largest number of devices in a demo fleet. More devices would need too much memory in the local hub. */
const mostDevices = 100_000;

/** `twinkeeper local`: runs the whole system on this machine, with a local hub instead of Azure IoT Hub. */
export function localCommand(): Command {
  return new Command('local')
    .summary('Runs the whole system on this machine, with a demo fleet.')
    .description(
      'Runs the whole system on this machine, on loopback only: Azurite, a local IoT Hub, the functions, and a demo. The demo creates a ' +
        'fleet and causes drift in its twins. Ctrl-C stops everything.',
    )
    .option('--devices <n>', 'Creates this number of devices in the demo fleet.', wholeNumber(1, mostDevices), 20)
    .option('--no-demo', 'Starts only the services, without the demo.')
    .option(
      '--endpoints <file>',
      'Writes the addresses and keys of the services to this file, as JSON, when the system is ready.',
    )
    .option(
      '--port-base <n>',
      'Uses the ports n to n+6. Without this option, uses any free ports.',
      wholeNumber(1, 65_535 - 6),
    )
    .option(
      '--hub-host <name>',
      "Makes the hub listen on port 443 under this name, as Microsoft's SDKs need it. The name must lead to this machine. Port 443 needs rights.",
      hostName,
    )
    .option(
      '--seed <n>',
      'Sets the seed of the demo. The same seed causes the same drift.',
      wholeNumber(0, 2 ** 32 - 1),
      1,
    )
    .option(
      '--once',
      'Creates the fleet, causes drift, waits until all drift is repaired, and prints a summary. The exit code is 0 only if all is right.',
    )
    .option('--no-events', 'Makes the hub route no events, so that only sweeps find drift.')
    .option('--faults <share>', "Makes this share of Twinkeeper's hub calls fail, such as 20%.", parseShare)
    .option(
      '--throttle <tier:units>',
      'Gives the hub the throttles and the message quota of this tier and its units, such as S1:2.',
      parseThrottle,
    )
    .option(
      '--quota <n>',
      'Gives the hub this daily quota of messages: twin reads, twin updates and query results, 4 KB each.',
      wholeNumber(0, 1_000_000_000),
    )
    .option('--query-lag <seconds>', 'Makes queries lag behind the twins by this number of seconds.', parseNumber)
    .option('--time-scale <n>', 'Makes time run n times as fast for throttles and lag.', wholeNumber(1, 3600))
    .option('--json', 'Prints only the summary, as JSON. Needs --once.')
    .addHelpText(
      'after',
      `
Examples:
  $ npm start                                              a demo that runs until Ctrl-C
  $ npm start -- --once --devices 100                      a full run that ends by itself
  $ npm start -- --once --json --devices 1000 --seed 7     the same, with a summary as JSON
  $ npm start -- --once --no-events                        the same without events: sweeps find all drift
  $ npm start -- --once --faults 20%                       the same, and every fifth hub call fails
  $ npm start -- --no-demo --endpoints endpoints.json      only the services, for your own clients
  $ npm start -- --no-demo --endpoints endpoints.json --hub-host localhost
                                                           the same, for clients that need port 443
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

function hostName(text: string): string {
  if (!/^[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?$/i.test(text)) {
    throw new InvalidArgumentError('It must be a host name or an IPv4 address without a port, such as localhost.');
  }
  return text.toLowerCase();
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
