import type { Registry } from 'azure-iothub';
import { jobBlob, jobErrorsBlob } from '../../../shared/hub/index.ts';
import { createBlobFolders } from '../../../shared/storage/index.ts';
import type { DemoDevice } from './fleet.ts';

/** Milliseconds between two looks at the job. */
const pollInterval = 250;

/**
 * Creates devices by an import job of the hub, as an operator creates a large fleet: the job takes nothing from the hub's throttles. Waits until
 * the job is done, and while the hub runs another job.
 *
 * @throws {Error} when the job fails or when it did not create each device.
 */
export async function importDevices(
  registry: Registry,
  storageConnectionString: string,
  devices: readonly DemoDevice[],
): Promise<void> {
  if (devices.length === 0) return;
  const folders = createBlobFolders({ connectionString: storageConnectionString }, 'demo-', () => new Date());
  const name = crypto.randomUUID();
  const folder = await folders.open(name);
  const lines = devices.map(({ deviceId, tags }) =>
    JSON.stringify({ id: deviceId, importMode: 'create', status: 'enabled', tags }),
  );
  await folder.write(jobBlob, lines.join('\n'));
  const url = await folder.sharedUrl(1);
  const jobId = await start(registry, url);
  for (let status = ''; status !== 'completed'; ) {
    await new Promise((resolve) => setTimeout(resolve, pollInterval));
    const job = (await registry.getJob(jobId)) as unknown as {
      readonly status: string;
      readonly failureReason?: string;
    };
    if (job.status === 'failed' || job.status === 'cancelled')
      throw new Error(
        `The job that creates the fleet ${job.status}: ${job.failureReason ?? 'the hub gives no reason'}.`,
      );
    ({ status } = job);
  }
  for await (const line of folder.lines(jobErrorsBlob)) throw new Error(`The hub did not create a device: ${line}`);
  await folders.remove(name);
}

async function start(registry: Registry, url: string): Promise<string> {
  for (;;) {
    try {
      return ((await registry.importDevicesFromBlob(url, url)) as unknown as { readonly jobId: string }).jobId;
    } catch (error) {
      const { responseBody } = error as { readonly responseBody?: unknown };
      if (!String(responseBody).includes('JobQuotaExceeded')) throw error;
      await new Promise((resolve) => setTimeout(resolve, pollInterval));
    }
  }
}
