/** The references for the benches of the app: empty function apps. The build bundles them as it bundles the real app. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bundleFunctionApp } from '../build/function-app.ts';

/** Source of an app with one HTTP function that returns an empty response. */
export const emptyHttpApp = `
  import { app } from '@azure/functions';
  app.http('empty', { methods: ['GET'], authLevel: 'anonymous', handler: () => ({}) });
`;

/** Source of an app with one event hub function. It has the same trigger settings as `twin-events`. Its handler does nothing. */
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
 * Bundles the source of an app into `FOLDER/NAME/`, as the build bundles the real app. Returns the path of the written `main.cjs`. The
 * folder must be inside the project: imports of packages are resolved from there.
 */
export async function bundlePeer(source: string, folder: string, name: string): Promise<string> {
  const entry = join(folder, `${name}.ts`);
  await writeFile(entry, source);
  await bundleFunctionApp(entry, join(folder, name));
  return join(folder, name, 'main.cjs');
}
