import { Command } from 'commander';
import { policies } from '../../../functions/policies/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/** `twinkeeper release POLICY`: lets go of what the guards hold back. */
export function releaseCommand(): Command {
  return withStorageOptions(new Command('release'))
    .description('let a policy mend what the guards hold back: no limit for one hour, and no standing down')
    .argument('<policy>', 'name of the policy, as in the history')
    .addHelpText('after', '\nExample:\n  twinkeeper release defender-micro-agent')
    .action(release);
}

async function release(policy: string, options: StorageOptions): Promise<void> {
  const storage = await storageOf(options);
  const until = await createGuardStore(storage).release(policy);
  const names = policies.map(({ name }) => name);
  if (!names.includes(policy)) {
    // What is deployed may be another version than this one: a warning, and no more.
    process.stderr.write(`There is no policy ${policy} here, only ${names.join(', ')}. It is released all the same.\n`);
  }
  process.stdout.write(
    `Policy ${policy} is released: until ${until.toISOString()} it may overwrite without limit, and it is counted anew after ` +
      'that. Where it stood down because a property was changed back again and again, it tries again. What a configuration of the ' +
      'hub sets is still left alone.\n',
  );
  await createSweepQueue(storage).put({ type: 'start' });
  process.stdout.write('The running app begins a sweep within seconds, which mends what is held back.\n');
}
