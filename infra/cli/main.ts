#!/usr/bin/env node
/** The `twinkeeper` command. Each subcommand is a file in `commands/`. A subcommand imports large modules only when it runs. */
import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { explainMissingBuild } from '../local/missing-build.ts';
import { onOutputLost } from '../local/output-lost.ts';
import { checkNodeVersion } from './check-node-version.ts';
import { commands } from './commands/index.ts';
import { explainError } from './explain-error.ts';
import { bypassProxyForThisMachine } from './no-proxy.ts';

// When standard output or standard error is lost, only the exit code changes, and the command finishes its work. Commands that run without
// end also listen for lost output, and stop.
onOutputLost(({ exitCode }) => {
  process.exitCode = exitCode;
});

bypassProxyForThisMachine(process.env);

const program = new Command('twinkeeper')
  .description('Keeps the security module twins of an Azure IoT Hub fleet in place and at their baseline.')
  .version(packageJson.version, '-V, --version', 'Shows the version.')
  .showHelpAfterError('"twinkeeper --help" lists commands and options.');

try {
  checkNodeVersion(process.versions.node);
  for (const load of neededCommands(process.argv[2])) program.addCommand(await load());
  describeHelp(program);
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`twinkeeper: ${explainMissingBuild(explainError(error))}\n`);
  process.exitCode = 1;
}

/** The subcommand that was given, or all subcommands for a help text or an unknown name. Other files would only make the start slower. */
function neededCommands(given: string | undefined): readonly (() => Promise<Command>)[] {
  const load = given !== undefined && Object.hasOwn(commands, given) ? commands[given] : undefined;
  return load === undefined ? Object.values(commands) : [load];
}

/** Gives the help options of a command and its subcommands the style of the other help texts. */
function describeHelp(command: Command): void {
  command.helpOption('-h, --help', 'Shows this help.');
  if (command.commands.length > 0) command.helpCommand('help [command]', 'Shows the help of a command.');
  for (const subcommand of command.commands) describeHelp(subcommand);
}
