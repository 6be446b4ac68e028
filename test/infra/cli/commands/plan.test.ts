import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { policies as deployedPolicies } from '../../../../functions/policies/index.ts';
import { type HubOptions, hubOf } from '../../../../infra/cli/commands/hub-option.ts';
import { connectToHub, type Hub } from '../../../../shared/hub/index.ts';
import { twinkeeper } from '../../../e2e/twinkeeper.ts';
import { startTestHub, type TestHub } from '../../local/hub/hub-client.ts';

const folders: string[] = [];
let hub: TestHub;
let door: Hub;
let endpoints = '';

beforeAll(async () => {
  hub = await startTestHub();
  const address = {
    connectionString: hub.connectionString('iothubowner').replace('localhost', `localhost:${hub.httpsPort}`),
  };
  door = connectToHub(address, { ca: hub.ca, budget: { tier: 'S3', units: 10, share: 1 } });
  endpoints = await file(
    'endpoints.json',
    JSON.stringify({ iotHubConnectionString: address.connectionString, caFile: hub.credentials.caFile }),
  );
});

afterEach(() => vi.unstubAllEnvs());
afterAll(async () => {
  await hub.close();
  for (const folder of folders) await rm(folder, { recursive: true });
});

/** Writes a file into a new folder, and returns the path of the file. */
async function file(name: string, text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-plan-'));
  folders.push(folder);
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

/**
 * Creates devices whose ids begin with `prefix`, and whose device twins have the values for the property `a`. Returns the path of a folder
 * with one policy for these devices.
 */
async function fleet(prefix: string, values: readonly unknown[], policy: object = {}): Promise<string> {
  for (const [index, a] of values.entries()) {
    hub.registry.create({ deviceId: `${prefix}-${index}` }, {}, { desired: { a: a as never } });
  }
  const definition = { name: prefix, appliesTo: { deviceId: `${prefix}-*` }, desired: { a: 1 }, ...policy };
  return join(await file('policy.json', JSON.stringify(definition)), '..');
}

async function run(...args: readonly string[]) {
  const { ended, stdout, stderr } = twinkeeper(args);
  return { code: await ended, stdout: stdout(), stderr: stderr() };
}

describe('twinkeeper plan', () => {
  it('prints the forecast as JSON, exits with 2, and changes nothing', async () => {
    const policies = await fleet('some', [1, 2, 2]);
    const before = await door.queryPage('SELECT * FROM devices');
    const { code, stdout, stderr } = await run('plan', '--endpoints', endpoints, '--policies', policies);
    expect(code).toBe(2);
    // Standard error may have lines of progress: the command shows them when the forecast takes more than five seconds.
    expect(stderr).toMatch(/^(Reading .*\n)*$/);
    expect(JSON.parse(stdout)).toMatchObject({
      hub: 'localhost',
      policies: [
        {
          policy: 'some',
          devices: 3,
          compliant: 1,
          propertiesToChange: 2,
          changes: [{ path: 'a', values: [{ from: 2, to: 1, count: 2 }] }],
        },
      ],
      competing: [],
      calls: { twinRead: 2, twinUpdate: 2 },
      seconds: 0,
      somethingToDo: true,
    });
    expect(await door.queryPage('SELECT * FROM devices')).toEqual(before);
  });

  it('exits with 0 when there is nothing to do, and uses the policies of the build by default', async () => {
    expect(await run('plan', '--endpoints', endpoints, '--policies', await fleet('well', [1, 1]))).toMatchObject({
      code: 0,
    });
    const deployed = await run('plan', '--endpoints', endpoints);
    const { policies } = JSON.parse(deployed.stdout) as { policies: { policy: string }[] };
    expect(policies.map(({ policy }) => policy)).toEqual(deployedPolicies.map(({ name }) => name));
  });

  it('lists what an audit policy would record', async () => {
    const policies = await fleet('audited', [2], { mode: 'audit' });
    const { code, stdout } = await run('plan', '--endpoints', endpoints, '--policies', policies);
    expect(code).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      policies: [{ mode: 'audit', propertiesToChange: 0, recorded: [{ path: 'a', why: 'audit', count: 1 }] }],
      calls: { twinUpdate: 0 },
    });
  });

  it('names the automatic configurations that compete', async () => {
    const policies = await fleet('rivals', [2]);
    await hub.operator.addConfiguration({
      id: 'rival',
      targetCondition: '*',
      priority: 3,
      content: { deviceContent: { 'properties.desired.a': 2 } },
    } as never);
    try {
      const { stdout } = await run('plan', '--endpoints', endpoints, '--policies', policies);
      expect(JSON.parse(stdout)).toMatchObject({
        competing: [
          {
            configuration: 'rival',
            message: expect.stringContaining('Configuration rival (priority 3) sets a on devices to 2'),
          },
        ],
      });
    } finally {
      await hub.operator.removeConfiguration('rival');
    }
  });

  it('takes longer for a smaller budget', async () => {
    const policies = await fleet('slow', Array(80).fill(2));
    const args = ['plan', '--endpoints', endpoints, '--policies', policies];
    const small = await run(...args, '--tier', 'S1', '--units', '1', '--share', '0.1');
    // The budget allows 10 reads at once, and 70 more at 10 a second (100 × 0.1). Patches have half of that rate.
    expect(JSON.parse(small.stdout)).toMatchObject({ seconds: 14 });
  });

  it.each<[string, readonly string[], RegExp]>([
    [
      'a hub that does not exist',
      ['--hub', 'HostName=localhost:1;SharedAccessKeyName=a;SharedAccessKey=YQ=='],
      /cannot be queried: .*ECONNREFUSED/,
    ],
    [
      'a malformed connection string',
      ['--hub', 'secret'],
      /^twinkeeper: --hub is not a connection string of a hub: it must look like /,
    ],
    ['a missing folder of policies', ['--policies', '/nowhere'], /There is no folder \/nowhere\./],
    ['an unknown tier', ['--tier', 'S9'], /Allowed choices are F1, S1/],
    ['a share of 0', ['--share', '0'], /It must be a number, above 0/],
  ])('exits with 1 and one line for %s', async (_, args, why) => {
    const { code, stdout, stderr } = await run(
      'plan',
      ...(args[0] === '--hub' ? [] : ['--endpoints', endpoints]),
      ...args,
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(why);
    expect(stderr).not.toMatch(/secret|\n\s+at /);
  });

  it('exits with 1 when a policy is wrong, and names its file', async () => {
    const path = await file('bad.json', JSON.stringify({ name: 'Bad', desired: { a: null } }));
    const { code, stderr } = await run('plan', '--endpoints', endpoints, '--policies', join(path, '..'));
    expect(code).toBe(1);
    expect(stderr).toContain(`${path}: Bad at desired.a: a twin cannot hold null`);
  });
});

describe('the hub of a command', () => {
  const connectionString = 'HostName=my-hub.azure-devices.net;SharedAccessKeyName=owner;SharedAccessKey=c2VjcmV0';
  const names = ['IOTHUB_HOSTNAME', 'IOTHUB_CONNECTION_STRING', 'TWINKEEPER_HUB_TIER', 'TWINKEEPER_HUB_UNITS'];

  function of(options: HubOptions, environment: Readonly<Record<string, string>> = {}) {
    for (const name of [...names, 'TWINKEEPER_BUDGET_SHARE', 'TWINKEEPER_MESSAGE_SHARE', 'TWINKEEPER_BLAST_RADIUS'])
      vi.stubEnv(name, '');
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    return hubOf(options);
  }

  it('comes from the options before the environment, with the budget of either', async () => {
    expect(
      await of({ hub: connectionString, units: '3' }, { IOTHUB_HOSTNAME: 'other', TWINKEEPER_HUB_TIER: 'S2' }),
    ).toEqual({
      address: { connectionString },
      budget: { tier: 'S2', units: 3, share: 0.5, messageShare: 0.1 },
      blastRadius: { type: 'share', share: 0.2 },
    });
    const limit = { TWINKEEPER_BLAST_RADIUS: '50', TWINKEEPER_HUB_UNITS: '2', TWINKEEPER_MESSAGE_SHARE: '0.2' };
    expect(await of({ share: '1' }, { IOTHUB_HOSTNAME: 'my-hub.azure-devices.net', ...limit })).toEqual({
      address: { hostName: 'my-hub.azure-devices.net', identity: { type: 'default' } },
      budget: { tier: 'S1', units: 2, share: 1, messageShare: 0.2 },
      blastRadius: { type: 'count', count: 50 },
    });
  });

  it('comes from the endpoints file, with its certificate authority and the budget and limit of the local app', async () => {
    expect(await of({ endpoints })).toMatchObject({ ca: hub.ca, budget: { tier: 'S3', units: 10, share: 1 } });
    const given = JSON.parse(await readFile(endpoints, 'utf8')) as object;
    const limited = await file('limited.json', JSON.stringify({ ...given, blastRadius: 20 }));
    expect(await of({ endpoints: limited })).toMatchObject({ blastRadius: { type: 'count', count: 20 } });
  });

  it('must be named, and a malformed value is refused without being shown', async () => {
    await expect(of({})).rejects.toThrow('No hub: give --hub or --endpoints, or set IOTHUB_HOSTNAME');
    await expect(of({}, { IOTHUB_CONNECTION_STRING: 'c2VjcmV0' })).rejects.toThrow(
      /IOTHUB_CONNECTION_STRING must be a connection string(?!.*c2VjcmV0)/,
    );
    await expect(of({ hub: connectionString }, { TWINKEEPER_HUB_TIER: 'S9' })).rejects.toThrow(
      /TWINKEEPER_HUB_TIER must be one of/,
    );
    const odd = await file('odd.json', '{ "iotHubConnectionString": "c2VjcmV0", "caFile": "x" }');
    await expect(of({ endpoints: odd })).rejects.toThrow(
      `The iotHubConnectionString of ${odd} is not a connection string`,
    );
    await expect(of({ endpoints: await file('none.json', '{}') })).rejects.toThrow(
      /has no iotHubConnectionString and caFile/,
    );
  });
});
