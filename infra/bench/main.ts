/**
 * `npm run bench`: measures the speed, the size and the hub calls of the app. Compares each number with the number of a reference, such as
 * another program or a limit. Needs a build.
 */
import { Command } from 'commander';
import { checkBuild, projectRoot } from '../local/project.ts';
import type { Measurement, Report } from './bench.ts';
import { benches, chooseBenches } from './benches.ts';
import { describeMachine, toJsonLine, toTable } from './output.ts';

const program = new Command('bench')
  .usage('[names...] [options]   (npm run bench -- [names...] [options])')
  .description('Measures speed and size.')
  .argument('[names...]', `the benches to run, by default all:\n${benchList()}`)
  .option('--json', 'print only JSON, one line per measurement: { bench, case, ours, peer, ratio, unit }')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run bench\n  npm run bench -- load\n  npm run --silent bench -- events memory --json | jq .ratio',
  )
  .action(run);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function run(names: readonly string[], { json = false }: { readonly json?: boolean }): Promise<void> {
  const chosen = chooseBenches(names);
  checkBuild(projectRoot());
  const rows: { readonly bench: string; readonly measurement: Measurement }[] = [];
  const isQuiet = json && !process.stderr.isTTY;
  for (const bench of chosen) {
    const report: Report = {
      measured(measurement) {
        if (json) process.stdout.write(`${toJsonLine(bench.name, measurement)}\n`);
        rows.push({ bench: bench.name, measurement });
      },
      progress(text) {
        if (!isQuiet) process.stderr.write(`${bench.name}: ${text}\n`);
      },
    };
    await bench.run(report);
  }
  if (!json) process.stdout.write(`\n${describeMachine()}\n${toTable(rows)}\n`);
}

function benchList(): string {
  return benches.map(({ name, description }) => `${name}: ${description}`).join('\n');
}
