import { type Command, InvalidArgumentError } from 'commander';
import { longestReason } from '../../../shared/actions/index.ts';

/** Command line option with the reason of an action. */
export interface ReasonOptions {
  readonly reason?: string;
}

/** Adds to a command the option that says why the user acts. */
export function withReasonOption(command: Command): Command {
  return command.option('--reason <text>', 'Says why, for the record of actions ("twinkeeper actions").', parseReason);
}

function parseReason(text: string): string {
  if (text.length <= longestReason) return text;
  throw new InvalidArgumentError(`It must have at most ${longestReason} characters, and it has ${text.length}.`);
}
