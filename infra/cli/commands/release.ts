import { Command } from 'commander';
import { policies } from '../../../functions/policies/index.ts';
import { createGuardStore } from '../../../shared/guards/index.ts';
import { createSweepQueue } from '../../../shared/sweep/index.ts';
import { recordAction } from '../record-action.ts';
import { safeText } from '../view/safe-text.ts';
import { type ReasonOptions, withReasonOption } from './reason-option.ts';
import { type StorageOptions, storageOf, withStorageOptions } from './storage-option.ts';

/**
 * `twinkeeper release POLICY`: lifts the policy's blast radius for an hour, and lets the policy repair contested properties again.
 */
export function releaseCommand(): Command {
  return withReasonOption(withStorageOptions(new Command('release')))
    .summary('Lets a policy repair the drift that guards hold back.')
    .description(
      'Lets a policy repair the drift that guards hold back: lifts its blast radius for an hour, and repairs contested properties again.',
    )
    .argument('<policy>', 'The name of the policy, as in the history.')
    .addHelpText(
      'after',
      `
The exit code is 1 when this build has no policy with this name.

Examples:
  $ twinkeeper release defender-micro-agent
  $ twinkeeper release defender-micro-agent --reason "change 4711: new login policy"`,
    )
    .action(release);
}

async function release(policy: string, { reason = '', ...options }: StorageOptions & ReasonOptions): Promise<void> {
  const names = policies.map(({ name }) => name);
  if (!names.includes(policy)) {
    throw new Error(
      `There is no policy ${safeText(policy, 64)}. The policies are ${names.join(', ')}. Nothing is released.`,
    );
  }
  const storage = await storageOf(options);
  const until = await recordAction(
    storage,
    { action: 'release', target: { policy }, reason },
    async () => {
      const end = await createGuardStore(storage).release(policy);
      await createSweepQueue(storage).put({ type: 'start', at: new Date().toISOString() });
      return end;
    },
    (end) => `The limit is lifted until ${end.toISOString()}. A sweep was requested.`,
  );
  process.stdout.write(
    `Policy ${policy} is released. Until ${until.toISOString()} the policy repairs drift without a limit. Then the limit applies again. ` +
      'The policy also repairs contested properties again. It still does not repair properties that a configuration of the hub sets.\n' +
      'The running app starts a sweep within seconds. The sweep repairs the drift that was held back.\n',
  );
}
