/** `twinkeeper doctor` as a whole, with the real sign-in, against a healthy deployment that is broken in one place. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { doctorCommand } from '../../../../infra/cli/commands/doctor.ts';
import { startIdentityEndpoint, TokenIssuer } from '../../../../infra/local/entra/index.ts';
import packageJson from '../../../../package.json' with { type: 'json' };
import { names, type Stage, startStage } from '../doctor/plant.ts';

const person = {
  name: 'person',
  clientId: '00000000-0000-4000-8000-00000000d0c3',
  principalId: 'principal of the person',
  roles: [],
};

let stage: Stage;
let identity: Awaited<ReturnType<typeof startIdentityEndpoint>>;
beforeAll(async () => {
  [stage, identity] = await Promise.all([startStage(), startIdentityEndpoint([person], new TokenIssuer())]);
});
afterAll(() => Promise.all([stage.close(), identity.close()]));

let output = '';
beforeEach(async () => {
  stage.reset();
  Object.assign(stage.plant.app['health/details']?.body ?? {}, { state: { version: packageJson.version } });
  await stage.surroundings();
  output = '';
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    output += String(text);
    return true;
  });
  const environment = {
    AZURE_RESOURCE_MANAGER: stage.manager.url,
    AZURE_SUBSCRIPTION_ID: names.subscription,
    AZURE_RESOURCE_GROUP: names.resourceGroup,
    IOTHUB_NAME: names.hub,
    IOTHUB_RESOURCE_GROUP: names.hubResourceGroup,
    EVENTHUB_FULLY_QUALIFIED_NAMESPACE: names.eventHubHost,
    EVENTHUB_NAME: names.eventHub,
    EVENTHUB_CONSUMER_GROUP: names.consumerGroup,
    FUNCTION_APP_NAME: names.functionApp,
    FUNCTION_APP_URL: stage.appUrl,
    FUNCTION_APP_KEY: 'key',
    STORAGE_ACCOUNT_NAME: names.storageAccount,
    IDENTITY_ENDPOINT: identity.endpoint,
    IDENTITY_HEADER: identity.header,
    AZURE_CLIENT_ID: person.clientId,
    AZURE_TOKEN_CREDENTIALS: 'ManagedIdentityCredential',
  };
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
});
afterEach(() => {
  process.exitCode = 0;
  vi.unstubAllEnvs();
});

const doctor = (...args: readonly string[]) => doctorCommand().parseAsync([...args], { from: 'user' });

describe('twinkeeper doctor', () => {
  it('shows what each check saw, and ends with 0 when nothing is wrong', async () => {
    await doctor();
    expect(output).toContain('The IoT hub\n  ok       plant-hub.azure-devices.net is active, S1 with 2 units.\n');
    expect(output).toContain('  skipped  Give --device DEVICE');
    expect(output).toMatch(/\n\nNothing is wrong\.\n$/);
    expect(process.exitCode).toBe(0);
  });

  it('shows the commands that repair a fault, and ends with 2', async () => {
    stage.plant.site.properties.state = 'Stopped';
    await doctor();
    expect(output).toContain(
      'The function app\n  fault    The function app is Stopped.\n             $ az functionapp start --name func-plant --resource-group rg-plant\n',
    );
    expect(output).toContain('Something is wrong.');
    expect(process.exitCode).toBe(2);
  });

  it('ends with 1 when it could not look at something', async () => {
    vi.stubEnv('FUNCTION_APP_URL', '');
    await doctor();
    expect(output).toContain('  unknown  The address of the app is not known: give --url, or set FUNCTION_APP_URL.\n');
    expect(output).toContain('Nothing was found wrong, but not everything could be looked at.');
    expect(process.exitCode).toBe(1);
  });

  it('prints one JSON document for scripts', async () => {
    await doctor('--json');
    const { verdict, checks } = JSON.parse(output) as {
      verdict: string;
      checks: readonly { readonly id: string; readonly findings: readonly object[] }[];
    };
    expect(verdict).toBe('healthy');
    expect(checks).toHaveLength(13);
    expect(checks.find(({ id }) => id === 'hub')).toEqual({
      id: 'hub',
      title: 'The IoT hub',
      findings: [{ state: 'ok', what: 'plant-hub.azure-devices.net is active, S1 with 2 units.', mend: [] }],
    });
  });

  it('makes texts from outside safe for a terminal', async () => {
    Object.assign(stage.plant.endpointHealth[1] ?? {}, { healthStatus: 'dead', lastKnownError: 'x\u001b[2Jy' });
    await doctor();
    expect(output).toContain('The last error was x?[2Jy.');
  });

  it('names all missing options at once', async () => {
    vi.stubEnv('IOTHUB_NAME', '');
    vi.stubEnv('STORAGE_ACCOUNT_NAME', '');
    await expect(doctor()).rejects.toThrow(
      'Missing: --hub (IOTHUB_NAME), --storage-account (STORAGE_ACCOUNT_NAME). Give the options, or set the variables.',
    );
  });

  it('says so when nobody is signed in, and looks at nothing', async () => {
    vi.stubEnv('AZURE_TOKEN_CREDENTIALS', 'EnvironmentCredential');
    await expect(doctor()).rejects.toMatchObject({
      name: expect.stringMatching(/Authentication|CredentialUnavailable/),
    });
    expect(output).toBe('');
  });

  it('refuses an address of the app that would show the key to others', async () => {
    vi.stubEnv('FUNCTION_APP_URL', 'http://example.com');
    await expect(doctor()).rejects.toThrow('--url begins with http:, so others could read the key on the network');
  });
});
