import type { HttpRequest, InvocationContext } from '@azure/functions';
import type { Plugin } from 'esbuild';
import { apiEndpoints } from '../functions/api/endpoints.ts';
import { compose } from '../functions/compose.ts';
import { readSettings } from '../functions/settings.ts';

/**
 * Puts the API's document into the bundle as it is served, in place of the module that makes it. It says the same in every app, and what
 * makes JSON Schema of schemas would otherwise go with the schemas that an app checks while it starts.
 */
export const embeddedDocument: Plugin = {
  name: 'embedded-document',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]functions[\\/]api[\\/]openapi\.ts$/ }, async () => ({
      loader: 'js',
      contents: `const openApi = ${JSON.stringify(await apiDocument())};\nexport const toOpenApi = () => openApi;`,
    }));
  },
};

/** Asked of the endpoint itself, in an app of which nothing else is ever asked: it connects to nothing. */
async function apiDocument(): Promise<unknown> {
  const settings = readSettings({
    IOTHUB_HOSTNAME: 'hub.invalid',
    EventHubConnection__fullyQualifiedNamespace: 'events.invalid',
    EVENTHUB_NAME: 'events',
    AzureWebJobsStorage__accountName: 'storage',
  });
  const { openapi } = apiEndpoints(compose(settings, []));
  const request = { query: new URLSearchParams(), params: {} } as Partial<HttpRequest> as HttpRequest;
  const context = { invocationId: 'build', error: console.error } as Partial<InvocationContext> as InvocationContext;
  const { status = 200, jsonBody } = await openapi.answer(request, context);
  if (status !== 200) throw new Error(`The API has no document: ${JSON.stringify(jsonBody)}`);
  return jsonBody;
}
