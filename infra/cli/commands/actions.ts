import { Command, Option } from 'commander';
import { type ActionKind, type ActionQuery, type ActionRecord, actionKinds } from '../../../shared/actions/index.ts';
import { safeJson } from '../view/safe-text.ts';
import { type HistoryOptions, historyHelp, historyOf, withHistoryOptions } from './history-option.ts';
import type { HistorySource } from './history-source.ts';
import { print } from './print.ts';
import { parseCount } from './query-option.ts';
import { parseTime } from './time-option.ts';

interface ActionsOptions extends HistoryOptions {
  readonly from?: string;
  readonly to?: string;
  readonly action?: ActionKind;
  readonly policy?: string;
  readonly limit?: number;
  readonly json?: true;
}

/** Default of `--limit` when the actions are shown as a table. */
const defaultLimit = 50;
/** Largest number of actions on one page. */
const largestPage = 1000;

/** `twinkeeper actions`: shows what operators did. */
export function actionsCommand(): Command {
  const command = new Command('actions')
    .summary('Shows what operators did: who, when, why, and with which result.')
    .description(
      'Shows what operators did, newest first: releases of policies, replays of dead letters, sweeps and reconciles by hand, and changes of policies. ' +
        'The result "started" means that the action runs, or that its process ended before it could record the result.',
    );
  return withHistoryOptions(command)
    .option(
      '--from <time>',
      'Selects actions that began at this time or later, such as 2026-11-22T05:00Z or -7d.',
      (text) => parseTime(text),
    )
    .option('--to <time>', 'Selects actions that began before this time.', (text) => parseTime(text))
    .addOption(new Option('--action <action>', 'Selects actions of this kind.').choices(actionKinds))
    .option('--policy <name>', 'Selects actions on this policy.')
    .option(
      '--limit <n>',
      `Limits the number of actions. Without this option: ${defaultLimit} in a table, all with --json.`,
      parseCount,
    )
    .option('--json', 'Prints one JSON object for each line (NDJSON).')
    .addHelpText(
      'after',
      `
Times are UTC. A name such as "ada@build-7" is a user and a host of the command line: the command states it, and nothing checks it.
The exit code is 0 when the actions were read, even if there is none, and 1 when they cannot be read.

${historyHelp}

Examples:
  $ twinkeeper actions
  $ twinkeeper actions --action release --policy defender-micro-agent
  $ twinkeeper actions --from 2026-11-01 --to 2026-12-01 --json > november.ndjson
  $ twinkeeper actions --from -7d --json | jq -r 'select(.result != "done") | .id'`,
    )
    .action(actions);
}

async function actions({ limit, json, from, to, action, policy, ...source }: ActionsOptions): Promise<void> {
  if (from !== undefined && to !== undefined && from >= to)
    throw new Error(`--from ${from} is not before --to ${to}: swap them.`);
  const given = { from, to, action, policy };
  const query: ActionQuery = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const history = await historyOf(source);
  if (json) {
    for await (const page of pagesOf(history, query, limit ?? Number.POSITIVE_INFINITY)) {
      if (!(await print(page.actions.map((each) => `${safeJson(each)}\n`).join('')))) return;
    }
    return;
  }
  const shown: ActionRecord[] = [];
  let isMore = false;
  for await (const page of pagesOf(history, query, limit ?? defaultLimit)) {
    shown.push(...page.actions);
    isMore = page.more;
  }
  if (shown.length === 0) {
    process.stdout.write('No action is recorded that matches.\n');
    return;
  }
  const [{ actionsTable }, { terminalSize }] = await Promise.all([
    import('../view/actions-table.ts'),
    import('../view/terminal-size.ts'),
  ]);
  const { stdout } = process;
  await print(`${actionsTable(shown, stdout.isTTY ? terminalSize(stdout).columns : undefined)}\n`);
  if (isMore) process.stderr.write(`These are the newest ${shown.length} actions, and there are more: see --limit.\n`);
}

/** Reads at most `limit` actions page by page. `more` is true when there are more actions than `limit`. */
async function* pagesOf(
  history: HistorySource,
  query: ActionQuery,
  limit: number,
): AsyncGenerator<{ readonly actions: readonly ActionRecord[]; readonly more: boolean }> {
  let left = limit;
  let cursor: string | undefined;
  do {
    const page = await history.actions(query, Math.min(largestPage, left), cursor);
    left -= page.actions.length;
    cursor = page.cursor;
    yield { actions: page.actions, more: cursor !== undefined };
  } while (cursor !== undefined && left > 0);
}
