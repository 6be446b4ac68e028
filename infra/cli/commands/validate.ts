import { join } from 'node:path';
import { Command } from 'commander';
import type { PolicySet } from '../../../shared/policy/index.ts';
import { projectRoot } from '../../local/project.ts';
import { plainTable } from '../view/plain-table.ts';
import { safeJson } from '../view/safe-text.ts';

interface ValidateOptions {
  readonly policies?: string;
  readonly json?: true;
}

/** `twinkeeper validate`: checks policies, and says everything that is wrong with them. */
export function validateCommand(): Command {
  return new Command('validate')
    .summary('Checks the policies before they are deployed.')
    .description(
      'Checks the policies as the app does when it starts, and says everything that is wrong. Checks each policy, and whether two policies ' +
        'want different things. Reads the source files, so no build is needed. Calls neither the hub nor the storage account.',
    )
    .option(
      '--policies <folder>',
      'Checks all policies of this folder. Without this option: the list in functions/policies/index.ts, which is deployed.',
    )
    .option('--json', 'Prints one JSON document.')
    .addHelpText(
      'after',
      `
The exit code is 0 when all policies are right, and 1 when a policy is wrong or cannot be loaded.

Examples:
  $ twinkeeper validate                                    the policies that the next build deploys
  $ twinkeeper validate --policies ./drafts                policies that are not deployed
  $ twinkeeper validate --json | jq '.faults[] | { policy, path, message }'`,
    )
    .action(validate);
}

async function validate({ policies, json }: ValidateOptions): Promise<void> {
  const { loadPolicies, loadPolicyList, PolicyFilesError } = await import('../load-policies.ts');
  try {
    const set = await (policies === undefined
      ? loadPolicyList(join(projectRoot(), 'functions/policies/index.ts'))
      : loadPolicies(policies));
    process.stdout.write(
      json ? `${safeJson({ valid: true, policies: describe(set), faults: [] })}\n` : `${render(describe(set))}\n`,
    );
  } catch (error) {
    if (!json || !(error instanceof PolicyFilesError)) throw error;
    // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
    process.exitCode = 1;
    process.stdout.write(`${safeJson({ valid: false, policies: [], faults: error.faults })}\n`);
  }
}

interface DescribedPolicy {
  readonly name: string;
  readonly module: string;
  readonly mode: string;
  readonly properties: number;
}

function describe({ all }: PolicySet): readonly DescribedPolicy[] {
  return all.map(({ name, module, mode, owned }) => ({ name, module, mode, properties: owned.length }));
}

function render(policies: readonly DescribedPolicy[]): string {
  const rows = policies.map(({ name, module, mode, properties }) => [
    name,
    module === '' ? 'device twin' : module,
    mode,
    String(properties),
  ]);
  const sentence = policies.length === 1 ? 'The policy is right.' : `All ${policies.length} policies are right.`;
  return `${sentence}\n\n${plainTable(['policy', 'module', 'mode', 'properties'], rows)}`;
}
