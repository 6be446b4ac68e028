import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QueueServiceClient } from '@azure/storage-queue';
import { afterEach, describe, expect, it } from 'vitest';
import { startAzurite } from '../../../../infra/local/azurite.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

async function started(...options: Parameters<typeof startAzurite>) {
  const azurite = await startAzurite(...options);
  endings.push(() => azurite.close());
  return azurite;
}

describe('Azurite', () => {
  it('keeps its data in its folder', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'azurite-'));
    endings.push(() => rm(folder, { recursive: true, force: true }));
    const first = await started({ folder });
    await QueueServiceClient.fromConnectionString(first.endpoints.connectionString).createQueue('kept');
    await first.close();
    const second = await started({ folder });
    const queues = QueueServiceClient.fromConnectionString(second.endpoints.connectionString).listQueues();
    expect((await queues.next()).value?.name).toBe('kept');

    const inMemory = await started();
    const none = QueueServiceClient.fromConnectionString(inMemory.endpoints.connectionString).listQueues();
    expect((await none.next()).done).toBe(true);
  });

  it('names the port that is in use', async () => {
    const { endpoints } = await started();
    const port = Number(/QueueEndpoint=http:\/\/127\.0\.0\.1:(\d+)/.exec(endpoints.connectionString)?.[1]);
    await expect(startAzurite({ tablePort: port })).rejects.toThrow(
      `cannot listen on port ${port}: the port is in use`,
    );
  });

  it('does not listen after it was closed', async () => {
    const azurite = await startAzurite();
    await azurite.close();
    const port = Number(/TableEndpoint=http:\/\/127\.0\.0\.1:(\d+)/.exec(azurite.endpoints.connectionString)?.[1]);
    const again = await started({ tablePort: port });
    expect(again.endpoints.connectionString).toContain(`:${port}/`);
  });
});
