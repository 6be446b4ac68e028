import { Command, InvalidArgumentError } from 'commander';
import type { SealFault, Verified } from '../../../shared/evidence/seal/index.ts';
import { hasColour } from '../view/colour.ts';
import { print } from './print.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';
import { parseTime } from './time-option.ts';

interface VerifyOptions extends StorageOptions {
  readonly from?: string;
  readonly to?: string;
  readonly hash?: readonly string[];
  readonly json?: true;
}

/** `twinkeeper verify`: checks the sealed days, and compares the tables with them. */
export function verifyCommand(): Command {
  return withStorageOptions(new Command('verify'))
    .summary('Checks that the history still says what was sealed.')
    .description(
      'Checks the sealed days: the chain of their manifests, and the size and hash of each file. Then compares the tables with them, and names ' +
        'each row and each action that was changed, removed, or slipped in. Reads the storage account of the app, all rows of it. Changes nothing.',
    )
    .option('--from <time>', 'Begins with the UTC day of this time, such as 2026-11-22 or -30d.', (text) =>
      parseTime(text),
    )
    .option('--to <time>', 'Ends before this time. Days count whose UTC day begins before it.', (text) =>
      parseTime(text),
    )
    .option(
      '--hash <sha256>',
      'Also checks that a manifest of these days has this hash, such as one from the log of the function "seal". May be given several times.',
      (text: string, before: readonly string[] = []) => [...before, parseHash(text)],
    )
    .option('--json', 'Prints one JSON document.')
    .addHelpText(
      'after',
      `
The exit code is 0 when everything is as it was sealed, 2 when something is not, and 1 when nothing is sealed or something cannot be read.
You need the roles Storage Table Data Reader and Storage Blob Data Reader on the storage account, or its connection string.
docs/audit.md says what is sealed, what is compared, and what to do when something differs.

Examples:
  $ twinkeeper verify
  $ twinkeeper verify --from 2026-10-01 --to 2026-11-01
  $ twinkeeper verify --hash 5b0c…                      the hash that the log of that day says
  $ twinkeeper verify --json | jq -r '.faults[] | .subject + " " + .fault + ": " + .what'`,
    )
    .action(verify);
}

function parseHash(text: string): string {
  if (!/^[0-9a-f]{64}$/i.test(text)) throw new InvalidArgumentError('It must be a SHA-256: 64 hexadecimal digits.');
  return text.toLowerCase();
}

async function verify({ from, to, hash = [], json, ...storage }: VerifyOptions): Promise<void> {
  if (from !== undefined && to !== undefined && from >= to) {
    throw new Error(`--from ${from} is not before --to ${to}: swap them.`);
  }
  const [{ verifyAccount }, { showProgress }] = await Promise.all([
    import('../../../shared/evidence/seal/index.ts'),
    import('../view/progress.ts'),
  ]);
  const range = {
    first: from?.slice(0, 10),
    last: to === undefined ? undefined : new Date(Date.parse(to) - 1).toISOString().slice(0, 10),
  };
  const faults: SealFault[] = [];
  const progress = showProgress();
  const report = { fault: (fault: SealFault) => void faults.push(fault), progress: progress.show };
  let verified: Verified | undefined;
  try {
    const now = () => new Date();
    verified = await verifyAccount(await storageOf(storage), { range, keptHashes: hash, report, now });
  } finally {
    progress.end();
  }
  const verdict = faults.length > 0 ? 'altered' : verified === undefined ? 'nothingSealed' : 'intact';
  // The exit code is set before the output is written: if standard output is lost, the handler of lost output must replace this exit code.
  process.exitCode = { intact: 0, altered: 2, nothingSealed: 1 }[verdict];
  if (json) {
    const { safeJson } = await import('../view/safe-text.ts');
    await print(`${safeJson({ verdict, ...verified, faults })}\n`);
    return;
  }
  const { renderVerified } = await import('../view/seal-faults.ts');
  await print(renderVerified(verified, faults, hasColour(process.stdout)));
}
