/** Checks the commands in the README and in `docs/`: the subcommands and options of `twinkeeper` exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { commands } from '../../infra/cli/commands/index.ts';
import { readPage } from './markdown.ts';
import { shellCommands } from './shell-commands.ts';

const root = resolve(import.meta.dirname, '../..');
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
);
const subcommands = new Map(
  await Promise.all(Object.entries(commands).map(async ([name, load]) => [name, await load()] as const)),
);

/** Describes the first fault of a `twinkeeper` command. The result is `undefined` for a good command, and for other programs. */
function fault(words: readonly string[]): string | undefined {
  const [program, name, ...rest] = words[0] === 'npx' ? words.slice(1) : words;
  // A name in capitals stands for a value in a sentence, such as `twinkeeper replay FILE`.
  if (program !== 'twinkeeper' || name === undefined || name.startsWith('-')) return undefined;
  const command = subcommands.get(name);
  if (command === undefined) return `twinkeeper has no subcommand ${name}`;
  return optionFault(command, rest);
}

function optionFault(command: Command, words: readonly string[]): string | undefined {
  const nested = command.commands.find((candidate) => candidate.name() === words[0]);
  if (nested !== undefined) return optionFault(nested, words.slice(1));
  const known = command.options.flatMap(({ long, short }) => [long, short]);
  const unknown = words.find(
    (word) => /^--?[a-z]/.test(word) && word !== '--help' && !known.includes(word.split('=')[0]),
  );
  return unknown === undefined ? undefined : `twinkeeper ${command.name()} has no option ${unknown}`;
}

const faultsOf = (code: readonly string[]) =>
  code
    .flatMap(shellCommands)
    .map(fault)
    .filter((text) => text !== undefined);

describe('the commands of the documentation', () => {
  it.each(pages)('%s names subcommands and options of twinkeeper that exist', (page) => {
    expect(faultsOf(readPage(readFileSync(join(root, page), 'utf8')).code)).toEqual([]);
  });

  it.each([
    ['npx twinkeeper connet', 'twinkeeper has no subcommand connet'],
    ['twinkeeper status --yaml', 'twinkeeper status has no option --yaml'],
    ['export X="$(npx twinkeeper drift --opne | jq .)"', 'twinkeeper drift has no option --opne'],
    ['cd x && twinkeeper dead-letters replay --al  # all', 'twinkeeper replay has no option --al'],
  ])('finds the fault in %s', (code, message) => {
    expect(faultsOf([code])).toEqual([message]);
  });

  it('finds no fault in commands that exist', () => {
    expect(faultsOf(['KEY=x twinkeeper drift --csv --json > a.json | jq -r --raw-output .x', 'az iot --bad'])).toEqual(
      [],
    );
  });
});
