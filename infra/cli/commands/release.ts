import { Command } from 'commander';
import { policies } from '../../../functions/policies/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/**
 * `twinkeeper release POLICY`: lifts the policy's limit of overwrites for an hour, and lets the policy repair contested properties again.
 */
export function releaseCommand(): Command {
  return withStorageOptions(new Command('release'))
    .description(
      'let a policy repair what the guards hold back: no limit for an hour, and contested properties are tried again',
    )
    .argument('<policy>', 'name of the policy, as in the history')
    .addHelpText('after', '\nExample:\n  twinkeeper release defender-micro-agent')
    .action(release);
}

async function release(policy: string, options: StorageOptions): Promise<void> {
  const storage = await storageOf(options);
  const until = await createGuardStore(storage).release(policy);
  const names = policies.map(({ name }) => name);
  if (!names.includes(policy)) {
    // An unknown name causes only a warning: the deployed app can have other policies than this build of the command.
    process.stderr.write(
      `This build has no policy ${policy}, only ${names.join(', ')}. The policy is released all the same.\n`,
    );
  }
  process.stdout.write(
    `Policy ${policy} is released. Until ${until.toISOString()} it may overwrite without limit; then counting starts anew. ` +
      'It also repairs contested properties again. Properties that a configuration of the hub sets are still left alone.\n',
  );
  await createSweepQueue(storage).put({ type: 'start' });
  process.stdout.write('The running app starts a sweep within seconds, which repairs what was held back.\n');
}
