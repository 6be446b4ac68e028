import { Command } from 'commander';
import { policies } from '../../../functions/policies/index.ts';
import { createGuardStore } from '../../../shared/drift/index.ts';
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
  const until = await createGuardStore(await storageOf(options)).release(policy);
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
  // A sweep that is started from here finds at once what is held back.
  process.stdout.write(
    'What is held back is mended when its device is looked at: by the next sweep, or with its next change.\n',
  );
}
