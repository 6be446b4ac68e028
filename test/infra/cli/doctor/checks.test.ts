/** What `twinkeeper doctor` finds, apart from the faults of single services. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openAzure, openDeployment, openRunningApp, verdictOf } from '../../../../infra/cli/doctor/index.ts';
import { systemClock } from '../../../../shared/clock.ts';
import { ids, names, type Plant, type Stage, startStage, wrongIn } from './plant.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

const inApp = '--name func-plant --resource-group rg-plant';
const appPrincipal = '00000000-0000-4000-8000-0000000000a1';

/** Removes the assignment of a role. */
const unassign = (role: string) => (plant: Plant) => {
  plant.assignments.splice(
    plant.assignments.findIndex(([, id]) => id === role),
    1,
  );
};

describe('a healthy deployment', () => {
  it('has nothing wrong, and each check says what it saw', async () => {
    const found = await stage.run();
    expect(wrongIn(found)).toEqual([]);
    expect(Object.fromEntries(Object.entries(found).map(([id, [first]]) => [id, first?.what]))).toEqual({
      clock: expect.stringMatching(/^It differs from Azure's clock by [01] s\.$/),
      versions:
        'The app and this command are 0.1.0. The command runs on Node 24.1.0, the app on Node 24. Hubs are read with the API of 2023-06-30.',
      hub: 'plant-hub.azure-devices.net is active, S1 with 2 units.',
      'function-app': 'func-plant is running, with 6 functions.',
      settings: 'They are valid, and they name this hub, event hub, storage account and identity.',
      storage: 'stplant exists, and the app uses it.',
      'event-hub': 'twin-events in evhns-plant is there, with the consumer group twinkeeper.',
      'app-roles': 'The app has all 9 roles. New roles take some minutes to count.',
      'hub-role': 'The hub may send to twin-events.',
      route: 'The hub routes its events to twin-events.',
      'endpoint-health': 'The endpoint is healthy. The hub sent last at Thu, 26 Nov 2026 10:00:00 GMT.',
      'app-health': 'It is healthy, in the mode audit.',
      event: 'Give --device DEVICE: the tag twinkeeperDoctor of this device is then changed and put back.',
    });
    expect(verdictOf(Object.entries(found).map(([id, findings]) => ({ id, title: id, findings })))).toBe('healthy');
  });

  it('may have its roles from above, or through larger roles', async () => {
    stage.plant.assignments.splice(
      0,
      4,
      [appPrincipal, '4fc6c259-987e-4a07-842e-c321cc9d413f', `/subscriptions/${names.subscription}`],
      [appPrincipal, 'f526a384-b230-433a-b45c-95f59c4a2dec', ids.namespace],
    );
    unassign('a638d3c7-ab3a-418d-83e6-5f17a39d4fde')(stage.plant);
    expect(wrongIn(await stage.run())).toEqual([]);
  });
});

describe('a clock that is wrong', () => {
  it.each([
    [-7_200_000, 'ahead of'],
    [7_200_000, 'behind'],
  ])('is found by the time in the answers of Azure, %i ms', async (lead, word) => {
    stage.manager.clockLead = lead;
    expect(await stage.check('clock')).toEqual([
      {
        state: 'fault',
        what: expect.stringMatching(new RegExp(`^It is (7199|7200|7201) s ${word} Azure's clock\\.`)),
        mend: [process.platform === 'win32' ? 'w32tm /resync' : 'sudo timedatectl set-ntp true'],
      },
    ]);
  });
});

describe('a warning', () => {
  it('says that the app and the command are of different versions', async () => {
    expect(await stage.check('versions', { command: { version: '0.2.0', node: '24.1.0' } })).toEqual([
      {
        state: 'warning',
        what: 'The app is version 0.1.0, and this command is 0.2.0.',
        mend: ['npm ci', 'azd deploy'],
      },
    ]);
  });

  it('says that the hub was scaled', async () => {
    Object.assign(stage.plant.hub.sku, { name: 'S2', capacity: 5 });
    const settings = await stage.check('settings');
    expect(settings.map(({ state, what }) => `${state}: ${what}`)).toEqual([
      'warning: TWINKEEPER_HUB_TIER is S1, and the hub has S2. The budget of hub calls is wrong.',
      'warning: TWINKEEPER_HUB_UNITS is 2, and the hub has 5. The budget of hub calls is wrong.',
    ]);
  });

  it('is passed on from the app, and what is only information is not', async () => {
    const problem = { code: 'deadLetters', severity: 'warning', sentence: '3 dead letters.', advice: 'Replay them.' };
    const { body } = stage.plant.app['health/details'] ?? {};
    (body as { problems: object[] }).problems.push(problem);
    expect(await stage.check('app-health')).toEqual([
      { state: 'warning', what: '3 dead letters. Replay them.', mend: [] },
    ]);
  });

  it('says that nothing was sent yet', async () => {
    Object.assign(stage.plant.endpointHealth[1] ?? {}, { healthStatus: 'unknown' });
    const findings = await stage.check('endpoint-health');
    expect(findings[0]).toMatchObject({ state: 'warning' });
    expect(verdictOf([{ id: '', title: '', findings }])).toBe('healthy');
  });
});

describe('an app that does not answer at all', () => {
  it('is a fault', async () => {
    const findings = await stage.check('app-health', { app: openRunningApp('http://127.0.0.1:9/api', 'key') });
    expect(findings).toMatchObject([
      { state: 'fault', what: expect.stringMatching(/^http:\/\/127\.0\.0\.1:9\/api does not answer: /) },
    ]);
  });
});

describe('the command itself', () => {
  it('needs a new enough Node', async () => {
    expect(await stage.check('versions', { command: { version: '0.1.0', node: '22.17.1' } })).toEqual([
      { state: 'fault', what: 'This command runs on Node 22.17.1. It needs Node 22.18 or newer.', mend: ['npm ci'] },
    ]);
  });
});

describe('a command that is interrupted', () => {
  it('says of the checks that are left that nobody looked', async () => {
    const found = await stage.run({ signal: AbortSignal.abort() });
    expect(new Set(wrongIn(found).map(({ what }) => what))).toEqual(new Set(['You stopped the command.']));
  });
});

describe('what cannot be looked at', () => {
  it('is said with the reason, and is neither right nor wrong', async () => {
    stage.plant.refused.set(ids.functionApp, 403).set(ids.storageAccount, 401);
    const found = wrongIn(await stage.run());
    expect(new Set(found.map(({ state }) => state))).toEqual(new Set(['unknown']));
    const texts = Object.fromEntries(found.map(({ id, what }) => [id, what]));
    expect(texts['function-app']).toBe(
      `You may not look at ${ids.functionApp} (403, Refused): you need the role Reader there.`,
    );
    expect(texts.storage).toBe('Azure refuses your sign-in (401, Refused): run "az login" or "azd auth login" again.');
  });

  it('is the health without a key, with the command that gets one', async () => {
    const findings = await stage.check('app-health', { app: openRunningApp(stage.appUrl, undefined) });
    expect(findings).toEqual([
      {
        state: 'unknown',
        what: `${stage.appUrl} refuses access: it needs a function key, in FUNCTION_APP_KEY or --key.`,
        mend: [
          `export FUNCTION_APP_KEY="$(az functionapp keys list ${inApp} --query functionKeys.default --output tsv)"`,
        ],
      },
    ]);
    expect(verdictOf([{ id: '', title: '', findings }])).toBe('unknown');
  });

  it('is the health with a wrong key', async () => {
    const findings = await stage.check('app-health', { app: openRunningApp(stage.appUrl, 'other') });
    expect(findings[0]?.what).toBe(`${stage.appUrl} refuses access: the key is not one of its function keys.`);
  });

  it('is the health while its check is slow', async () => {
    Object.assign(stage.plant.app['health/details']?.body ?? {}, { status: 'unknown' });
    expect(await stage.check('app-health')).toMatchObject([{ state: 'unknown' }]);
  });

  it.each([
    [
      'hub-role',
      'The hub has no identity of its own. See "hub".',
      ({ hub }: Plant) => Object.assign(hub, { identity: { type: 'None' } }),
    ],
    [
      'endpoint-health',
      'The hub has no endpoint twinkeeper. See "route".',
      ({ hub }: Plant) => Object.assign(hub.properties, { routing: {} }),
    ],
  ])('is %s while a cause is missing that another check names', async (id, what, breakIt) => {
    breakIt(stage.plant);
    expect(await stage.check(id)).toEqual([{ state: 'unknown', what, mend: [] }]);
  });

  it('is everything when Azure does not answer', async () => {
    const azure = await openAzure({
      credential: { getToken: () => Promise.reject(new Error('No network.')) },
      resourceManager: stage.manager.url,
      clock: systemClock,
    });
    const found = wrongIn(await stage.run({ deployment: openDeployment(names, azure) }));
    expect(found.find(({ id }) => id === 'clock')?.what).toBe(
      'Azure did not answer, so there is no clock to compare with.',
    );
    expect(found.filter(({ what }) => what === 'No network.')).toHaveLength(9);
  });

  it('is Azure with another answer than expected', async () => {
    stage.plant.functions.push({ name: 7 as never });
    await expect(stage.check('function-app')).rejects.toThrow(
      `Azure answered about ${ids.functionApp}/functions with something unknown at value.6.properties.name.`,
    );
  });
});
