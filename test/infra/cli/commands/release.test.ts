import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { policies } from '../../../../functions/policies/index.ts';
import { releaseCommand } from '../../../../infra/cli/commands/release.ts';
import { startAzurite } from '../../../../infra/local/azurite.ts';
import { createGuardStore } from '../../../../shared/guards/index.ts';

let azurite: Awaited<ReturnType<typeof startAzurite>>;
beforeAll(async () => {
  azurite = await startAzurite();
});
afterAll(() => azurite.close());

let said = '';
let warned = '';
beforeEach(() => {
  said = '';
  warned = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text);
    return true;
  });
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    warned += String(text);
    return true;
  });
});
afterEach(() => vi.restoreAllMocks());

const release = (policy: string) =>
  releaseCommand().parseAsync([policy, '--storage', azurite.endpoints.connectionString], { from: 'user' });

describe('twinkeeper release', () => {
  it('lets a policy go, and says for how long and what comes next', async () => {
    const policy = policies[0]?.name ?? '';
    const store = createGuardStore(azurite.endpoints);
    await store.reserveOverwrites(policy, 1, 1);
    expect(await store.reserveOverwrites(policy, 9, 1)).toBe(0);
    await release(policy);
    expect(await store.reserveOverwrites(policy, 9, 1)).toBe(9);
    const until = new Date(((await store.releasedAt(policy))?.getTime() ?? 0) + 3_600_000);
    expect(said).toContain(`Policy ${policy} is released: until ${until.toISOString()}`);
    expect(warned).toBe('');
  });

  it('releases a policy that is not known here, which another version may have, and warns', async () => {
    await release('of-another-version');
    expect(warned).toContain('no policy of-another-version here');
    for (const { name } of policies) expect(warned).toContain(name);
    expect(await createGuardStore(azurite.endpoints).reserveOverwrites('of-another-version', 9, 1)).toBe(9);
  });
});
