#!/usr/bin/env node
/** The `twinkeeper` command. Each subcommand is a file in `commands/`, which loads what it needs only when it is run. */
import { Command } from 'commander';

const commands = [
  () => import('./commands/local.ts').then(({ localCommand }) => localCommand()),
  () => import('./commands/dead-letters.ts').then(({ deadLettersCommand }) => deadLettersCommand()),
  () => import('./commands/replay.ts').then(({ replayCommand }) => replayCommand()),
  // One line a command: () => import('./commands/NAME.ts').then(({ nameCommand }) => nameCommand()),
];

const program = new Command('twinkeeper')
  .description('Keeps the security module twins of an Azure IoT Hub fleet in place and at their baseline.')
  .showHelpAfterError('(twinkeeper --help shows what there is)');
for (const load of commands) program.addCommand(await load());

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`twinkeeper: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
