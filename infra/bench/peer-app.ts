/** The apps that ours is held against: as small as an app can be, and bundled as ours is. */
import { join } from 'node:path';
import { bundleApp } from '../app-bundle.ts';
import { projectRoot } from '../local/project.ts';

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

/** Bundles an app's source into `FOLDER/NAME.cjs` as `infra/build.ts` does, and returns the file's path. */
export async function bundlePeer(source: string, folder: string, name: string): Promise<string> {
  const outfile = join(folder, `${name}.cjs`);
  const stdin = { contents: source, resolveDir: projectRoot(), sourcefile: `${name}.ts`, loader: 'ts' } as const;
  await bundleApp({ stdin }, outfile);
  return outfile;
}
