/** Runs `twinkeeper connect` and azd's hooks as azd does, against a fake of Azure Resource Manager. Signs in with a managed identity. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { projectRoot } from '../../../../infra/local/project.ts';
import { type FakeResourceManager, startFakeResourceManager } from '../../../support/fake-resource-manager.ts';

const root = projectRoot();
let manager: FakeResourceManager;
let identity: Server;
let folder: string;
let environment: Record<string, string | undefined>;

beforeAll(async () => {
  manager = await startFakeResourceManager();
  identity = createServer((_request, response) => {
    const body = {
      access_token: 'token',
      expires_on: Math.floor(Date.now() / 1000) + 3600,
      resource: 'r',
      token_type: 'Bearer',
    };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => identity.listen(0, '127.0.0.1', resolve));
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-connect-'));
  const caFile = join(folder, 'ca.pem');
  await writeFile(caFile, manager.ca);
  const { PATH, HOME } = process.env;
  environment = {
    PATH,
    HOME,
    NODE_EXTRA_CA_CERTS: caFile,
    IDENTITY_ENDPOINT: `http://127.0.0.1:${(identity.address() as AddressInfo).port}/token`,
    IDENTITY_HEADER: 'header',
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
    AZURE_SUBSCRIPTION_ID: '00000000-0000-0000-0000-000000000001',
    AZURE_RESOURCE_GROUP: 'rg-plant',
    IOTHUB_NAME: 'plant-hub',
    IOTHUB_RESOURCE_GROUP: 'rg-hubs',
    EVENTHUB_FULLY_QUALIFIED_NAMESPACE: 'evhns-abc.servicebus.windows.net',
    EVENTHUB_NAME: 'twin-events',
    AZURE_RESOURCE_MANAGER: manager.url,
  };
});
afterAll(async () => {
  identity.close();
  await manager.close();
  await rm(folder, { recursive: true });
});

/** Runs a script of this project with Node. */
async function run(script: string, args: readonly string[], change: Readonly<Record<string, string | undefined>> = {}) {
  const options = { cwd: folder, env: { ...environment, ...change } };
  try {
    return { code: 0, ...(await promisify(execFile)(process.execPath, [join(root, script), ...args], options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as {
      readonly code: number;
      readonly stdout: string;
      readonly stderr: string;
    };
    return { code, stdout, stderr };
  }
}
const twinkeeper = (...args: readonly string[]) => run('dist/twinkeeper.js', args);

describe('twinkeeper connect', () => {
  it('takes all values from the environment of azd, and shows each change', async () => {
    const planned = await twinkeeper('connect', '--dry-run');
    expect(planned).toMatchObject({ code: 2, stdout: expect.stringContaining('+ route twinkeeper-lifecycle') });
    const connected = await run('infra/azure/hooks/connect.js', []);
    expect(connected.stdout).toContain('The routing of the hub plant-hub was changed:');
    expect(connected.code).toBe(0);
    const { code, stdout } = await twinkeeper('connect', '--json');
    expect([code, JSON.parse(stdout)]).toEqual([0, { hub: 'plant-hub', state: 'unchanged', changes: [] }]);
  });

  it('is undone by the hook before azd deletes the resources, which says what happens to the history', async () => {
    const { code, stdout } = await run('infra/azure/hooks/disconnect.js', [], { HISTORY_IS_PROTECTED: 'false' });
    expect(stdout).toContain('azd down deletes the resource group rg-plant, and with it the whole history');
    // Without --from, the command exports the last day only.
    expect(stdout).toContain('npx twinkeeper drift --from -1095d --csv > history.csv');
    expect(stdout).toContain('- endpoint twinkeeper');
    expect(code).toBe(0);
    const kept = await run('infra/azure/hooks/disconnect.js', [], {
      HISTORY_IS_PROTECTED: 'true',
      STORAGE_ACCOUNT_NAME: 'sthistory',
    });
    expect(kept.stdout).toContain('The history stays: the storage account sthistory is locked.');
  });

  it('does not keep azd from deleting what a failed deployment left, or a deployment whose hub is gone', async () => {
    const failed = await run('infra/azure/hooks/disconnect.js', [], {
      EVENTHUB_FULLY_QUALIFIED_NAMESPACE: undefined,
      IOTHUB_NAME: undefined,
    });
    expect([failed.code, failed.stdout]).toEqual([0, expect.stringContaining('the hub was not connected')]);
    const gone = await run('infra/azure/hooks/disconnect.js', [], { IOTHUB_NAME: 'no-hub' });
    expect([gone.code, gone.stderr]).toEqual([0, expect.stringContaining('There is no hub no-hub any more.')]);
    expect((await twinkeeper('disconnect', '--hub', 'no-hub')).code).toBe(1);
  });

  it('names all values that are missing', async () => {
    const { code, stderr } = await run('dist/twinkeeper.js', ['connect'], {
      EVENTHUB_NAME: '',
      AZURE_RESOURCE_GROUP: '',
    });
    expect([code, stderr]).toEqual([
      1,
      'twinkeeper: Missing: --resource-group (AZURE_RESOURCE_GROUP), --event-hub (EVENTHUB_NAME). Give the options, or set the variables.\n',
    ]);
  });

  it('says in one line that nobody is signed in, or that the hub does not exist', async () => {
    const offline = { IDENTITY_ENDPOINT: 'http://127.0.0.1:1/', AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential' };
    const stranger = await run('dist/twinkeeper.js', ['connect'], offline);
    expect([stranger.code, stranger.stderr]).toEqual([
      1,
      expect.stringMatching(/^twinkeeper: Nobody is signed in[^\n]+\n$/),
    ]);
    const lost = await twinkeeper('connect', '--hub', 'no-hub');
    expect([lost.code, lost.stderr]).toEqual([
      1,
      expect.stringMatching(/^twinkeeper: Azure knows no such hub[^\n]+\n$/),
    ]);
  });
});
