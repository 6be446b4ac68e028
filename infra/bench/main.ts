/** `npm run bench`: measures speed and size, and holds each number against what it must bear comparison with. Needs a build. */
import { Command } from 'commander';
import { checkBuild, projectRoot } from '../local/project.ts';
import type { Measured, Report } from './bench.ts';
import { benches, chooseBenches } from './benches.ts';
import { describeMachine, toJsonLine, toTable } from './present.ts';

const program = new Command('bench')
  .usage('[names...] [options]   (npm run bench -- [names...] [options])')
  .description('Measures speed and size.')
  .argument('[names...]', `what to measure; all when nothing is named\n${listed()}`)
  .option('--json', 'one line of JSON a measurement, and nothing else: { bench, case, ours, peer, ratio, unit }')
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
  const rows: { readonly bench: string; readonly measurement: Measured }[] = [];
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

function listed(): string {
  return benches.map(({ name, description }) => `${name}: ${description}`).join('\n');
}
