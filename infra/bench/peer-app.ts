/** The apps that ours is held against: as small as an app can be, and bundled as ours is. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFunctionApp } from '../build/function-app.ts';

/** One HTTP function that answers with nothing. */
export const emptyHttpApp = `
  import { app } from '@azure/functions';
  app.http('empty', { methods: ['GET'], authLevel: 'anonymous', handler: () => ({}) });
`;

/** One event hub function, triggered as `twin-events` is, whose handler does nothing. */
export const emptyEventHubApp = `
  import { app } from '@azure/functions';
  app.setup({ capabilities: { IncludeEmptyEntriesInMessagePayload: true } });
  app.eventHub('empty', {
    dataType: 'string',
    connection: 'EventHubConnection',
    eventHubName: '%EVENTHUB_NAME%',
    consumerGroup: process.env.EVENTHUB_CONSUMER_GROUP ? '%EVENTHUB_CONSUMER_GROUP%' : '$Default',
    cardinality: 'many',
    handler: () => {},
  });
`;

/**
 * Bundles an app's source into `FOLDER/NAME/` as the build does with ours, and returns the path of its `main.cjs`. The folder must be
 * inside the project, where imports of packages are found.
 */
export async function bundlePeer(source: string, folder: string, name: string): Promise<string> {
  const entry = join(folder, `${name}.ts`);
  await writeFile(entry, source);
  await bundleFunctionApp(entry, join(folder, name));
  return join(folder, name, 'main.cjs');
}
