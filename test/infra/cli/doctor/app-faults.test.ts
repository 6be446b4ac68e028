/** Each fault of the function app that `twinkeeper doctor` knows. A healthy deployment is broken in one place, and the doctor says where and how to repair it. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type FaultCase, ids, type Stage, startStage } from './plant.ts';

let stage: Stage;
beforeAll(async () => {
  stage = await startStage();
});
beforeEach(() => stage.reset());
afterAll(() => stage.close());

const inApp = '--name func-plant --resource-group rg-plant';

const cases: readonly FaultCase[] = [
  [
    'no function app',
    ({ refused }) => refused.set(ids.functionApp, 404),
    'function-app',
    'There is no function app func-plant in the resource group rg-plant.',
    ['azd up'],
  ],
  [
    'a function app that was stopped',
    ({ site }) => Object.assign(site.properties, { state: 'Stopped' }),
    'function-app',
    'The function app is Stopped.',
    [`az functionapp start ${inApp}`],
  ],
  [
    'a function app without an identity',
    ({ site }) => Object.assign(site, { identity: null }),
    'function-app',
    'The function app has no user-assigned identity',
    ['azd provision'],
  ],
  [
    'no package',
    ({ functions }) => functions.splice(0),
    'function-app',
    'The function app has no functions: no package is deployed, or it cannot be loaded.',
    ['azd deploy'],
  ],
  [
    'an app that refused its settings',
    ({ functions }) => functions.splice(0, 5),
    'function-app',
    'The function app has no twin-events, deferred, sweep, sweep-work, roll-up',
    ['azd deploy'],
  ],
  [
    'a disabled function',
    ({ functions }) => Object.assign(functions[0] ?? {}, { isDisabled: true }),
    'function-app',
    'The function twin-events is disabled.',
    [`az functionapp config appsettings delete ${inApp} --setting-names AzureWebJobs.twin-events.Disabled`],
  ],
  [
    'an old Node',
    ({ site }) => Object.assign(site.properties, { functionAppConfig: { runtime: { name: 'node', version: '20' } } }),
    'versions',
    'The app runs on node 20. Twinkeeper needs node 22 or 24.',
    [`az functionapp runtime config set ${inApp} --runtime-version 24`],
  ],
  [
    'a setting with another value',
    ({ settings }) => Object.assign(settings, { EVENTHUB_NAME: 'other' }),
    'settings',
    'EVENTHUB_NAME is other. It must be twin-events.',
    [`az functionapp config appsettings set ${inApp} --settings EVENTHUB_NAME=twin-events`],
  ],
  [
    'a missing setting of the identity',
    ({ settings }) => delete settings.EventHubConnection__credential,
    'settings',
    'EventHubConnection__credential is missing. It must be managedidentity.',
    [`az functionapp config appsettings set ${inApp} --settings EventHubConnection__credential=managedidentity`],
  ],
  [
    'another hub',
    ({ settings }) => Object.assign(settings, { IOTHUB_HOSTNAME: 'other.azure-devices.net' }),
    'settings',
    'IOTHUB_HOSTNAME is other.azure-devices.net. It must be plant-hub.azure-devices.net.',
    [`az functionapp config appsettings set ${inApp} --settings IOTHUB_HOSTNAME=plant-hub.azure-devices.net`],
  ],
  [
    'a malformed setting',
    ({ settings }) => Object.assign(settings, { TWINKEEPER_MODE: 'maybe' }),
    'settings',
    'TWINKEEPER_MODE must be enforce or audit.',
    ['azd provision'],
  ],
  [
    'a setting that Flex Consumption refuses',
    ({ settings }) => Object.assign(settings, { WEBSITE_RUN_FROM_PACKAGE: '1' }),
    'settings',
    'WEBSITE_RUN_FROM_PACKAGE must not be set on a Flex Consumption plan.',
    [`az functionapp config appsettings delete ${inApp} --setting-names WEBSITE_RUN_FROM_PACKAGE`],
  ],
  [
    'an app that did not start',
    ({ app }) =>
      Object.assign(app, {
        health: { status: 503, body: { status: 'unhealthy', faults: ['EVENTHUB_NAME is missing.'] } },
      }),
    'app-health',
    'The app did not start: EVENTHUB_NAME is missing.',
    ['azd provision', 'azd deploy'],
  ],
  [
    'an app that answers 404',
    ({ app }) => delete app.health,
    'app-health',
    '/api/health answers 404: no package is deployed, or the app throws while it loads.',
    [`az functionapp restart ${inApp}`, 'azd deploy'],
  ],
  [
    'an app that answers 500',
    ({ app }) => Object.assign(app, { health: { status: 500, body: '' } }),
    'app-health',
    '/api/health answers 500.',
    [`az functionapp restart ${inApp}`, 'azd deploy'],
  ],
  [
    'another app at the address',
    ({ app }) => Object.assign(app, { 'health/details': { status: 200, body: { hello: 1 } } }),
    'app-health',
    '/api/health/details answers 200 with something unknown: is it Twinkeeper?',
    [`az functionapp restart ${inApp}`, 'azd deploy'],
  ],
  [
    'a function app without an identity, which has no roles',
    ({ site }) => Object.assign(site, { identity: null }),
    'app-roles',
    'The function app has no user-assigned identity.',
    ['azd provision'],
  ],
  [
    'an ill app',
    ({ app }) =>
      Object.assign(app['health/details']?.body ?? {}, {
        status: 'unhealthy',
        problems: [{ code: 'noEvents', severity: 'ill', sentence: 'No events arrive.', advice: 'Check the routes.' }],
      }),
    'app-health',
    'No events arrive. Check the routes.',
    [],
  ],
  [
    'an older app whose hub does not answer',
    ({ app }) =>
      Object.assign(app['health/details'] ?? {}, {
        status: 503,
        body: { status: 'unhealthy', checks: { hub: { ok: false, detail: 'plant-hub: no answer in 30 s' } } },
      }),
    'app-health',
    'plant-hub: no answer in 30 s',
    [],
  ],
];

describe('a fault of the function app', () => {
  it.each(cases)('is found and comes with its repair: %s', async (_what, breakIt, id, sentence, mend) => {
    breakIt(stage.plant);
    const found = await stage.check(id);
    const faults = found.filter(({ state }) => state === 'fault');
    expect(faults.map(({ what }) => what)).toEqual([expect.stringContaining(sentence)]);
    expect(faults[0]?.mend).toEqual(mend);
  });

  it('shows no secret of a setting', async () => {
    stage.plant.settings.EVENTHUB_NAME = 'Endpoint=sb://x/;SharedAccessKey=c2VjcmV0';
    const text = JSON.stringify(await stage.check('settings'));
    expect(text).toContain('EVENTHUB_NAME is another value. It must be twin-events.');
    expect(text).not.toContain('c2VjcmV0');
  });
});
