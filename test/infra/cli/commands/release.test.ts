import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { policies } from '../../../../functions/policies/index.ts';
import { releaseCommand } from '../../../../infra/cli/commands/release.ts';
import { createGuardStore } from '../../../../shared/guards/index.ts';
import { newStorageAccount, type TestStorage } from '../../../support/storage.ts';

let azurite: TestStorage;
beforeAll(async () => {
  azurite = await newStorageAccount();
});

let output = '';
beforeEach(() => {
  output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const release = (policy: string) =>
  releaseCommand().parseAsync([policy, '--storage', azurite.endpoints.connectionString], { from: 'user' });

const twin = (deviceId: string) => ({ deviceId, moduleId: 'Agent' });

describe('twinkeeper release', () => {
  it('lifts the limit of a policy, and says until when', async () => {
    const policy = policies[0]?.name ?? '';
    const store = createGuardStore(azurite.endpoints);
    await store.reserveTwin(policy, twin('first'), 1);
    expect(await store.reserveTwin(policy, twin('second'), 1)).toBe(false);
    await release(policy);
    expect(await store.reserveTwin(policy, twin('second'), 1)).toBe(true);
    const until = new Date(((await store.releasedAt(policy))?.getTime() ?? 0) + 3_600_000);
    expect(output).toContain(`Policy ${policy} is released. Until ${until.toISOString()}`);
  });

  it('fails for a policy that this build does not have, names the policies, and releases nothing', async () => {
    const names = policies.map(({ name }) => name).join(', ');
    await expect(release('of-another-version')).rejects.toThrow(
      `There is no policy of-another-version. The policies are ${names}. Nothing is released.`,
    );
    expect(output).toBe('');
    expect(await createGuardStore(azurite.endpoints).releasedAt('of-another-version')).toBeUndefined();
  });
});
