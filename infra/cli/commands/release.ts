import { Command } from 'commander';
import { policies } from '../../../functions/policies/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import { safeText } from '../view/safe-text.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/**
 * `twinkeeper release POLICY`: lifts the policy's blast radius for an hour, and lets the policy repair contested properties again.
 */
export function releaseCommand(): Command {
  return withStorageOptions(new Command('release'))
    .summary('Lets a policy repair the drift that guards hold back.')
    .description(
      'Lets a policy repair the drift that guards hold back: lifts its blast radius for an hour, and repairs contested properties again.',
    )
    .argument('<policy>', 'The name of the policy, as in the history.')
    .addHelpText(
      'after',
      '\nThe exit code is 1 when this build has no policy with this name.\n\nExample:\n  $ twinkeeper release defender-micro-agent',
    )
    .action(release);
}

async function release(policy: string, options: StorageOptions): Promise<void> {
  const names = policies.map(({ name }) => name);
  if (!names.includes(policy)) {
    throw new Error(
      `There is no policy ${safeText(policy, 64)}. The policies are ${names.join(', ')}. Nothing is released.`,
    );
  }
  const storage = await storageOf(options);
  const until = await createGuardStore(storage).release(policy);
  process.stdout.write(
    `Policy ${policy} is released. Until ${until.toISOString()} the policy repairs drift without a limit. Then the limit applies again. ` +
      'The policy also repairs contested properties again. It still does not repair properties that a configuration of the hub sets.\n',
  );
  await createSweepQueue(storage).put({ type: 'start', at: new Date().toISOString() });
  process.stdout.write(
    'The running app starts a sweep within seconds. The sweep repairs the drift that was held back.\n',
  );
}
