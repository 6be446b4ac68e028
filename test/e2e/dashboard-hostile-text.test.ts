/** Tests the dashboard with device ids, addresses and keys that are unusual or hostile. Text from twins is never parsed as HTML. */
import { describe, expect, it } from 'vitest';
import { eventually, isWithoutChromium } from './browser.ts';
import { dashboardStage, historyOf, noSummary, row } from './dashboard-stage.ts';

const minute = 60_000;
const markup = '<img src=x onerror=alert(1)>';

describe.skipIf(isWithoutChromium)('the dashboard with hostile text', () => {
  const stage = dashboardStage();

  it.each(['.', '..'])(
    'links to the history of a device named %s, and says that it cannot read its twins',
    async (deviceId) => {
      stage.intercept = historyOf(() => [row(1, { deviceId }), row(2)]);
      await stage.open(`&view=device&of=${deviceId}`);
      const dialog = stage.page.getByRole('dialog', { name: `Device ${deviceId}` });
      await dialog.getByText('This page cannot read the twins of this device').waitFor();
      await dialog.getByRole('link', { name: 'Show the history of this device' }).click();
      await dialog.waitFor({ state: 'hidden' });
      await eventually(() => stage.page.locator('#rows a.device-link').allInnerTexts()).toEqual([deviceId]);
      const paths = () => [...new Set(stage.asked.map(({ path }) => path))].toSorted();
      await eventually(paths).toEqual([
        'actions',
        'dead-letters',
        'drift',
        'drift/open',
        'health/details',
        'policies',
        'summary',
        'sweeps',
      ]);
    },
  );

  it.each([
    'range=constructor',
    'range=__proto__',
    'by=constructor&kind=constructor&outcome=toString&policy=constructor',
    'view=constructor&of=__proto__&row=__proto__',
    'view=row&of=__proto__&row=constructor',
    'from=-271821-04-20T00:00:00Z&to=%2B275760-09-13T00:00:00Z',
    'from=constructor&to=__proto__',
    'deviceId=%00%ff%ed%a0%80',
  ])('opens with the hostile address parameters %s', async (query) => {
    stage.answers.policies = { policies: [{ name: 'agents', module: 'agent', mode: 'enforce', openDevices: 0 }] };
    await stage.open(`&${query}`);
    await stage.page.locator('#policies', { hasText: 'agents' }).waitFor();
    await stage.page.locator('#state', { hasText: 'Live' }).waitFor();
    await eventually(() => stage.page.locator('.loading').count()).toBe(0);
  });

  it('understands a time with an offset', async () => {
    await stage.open('&from=2026-11-22T10:00:00+02:00&to=2026-11-22T11:00:00%2B02:00');
    const query = await stage.question('drift');
    expect([query.get('from'), query.get('to')]).toEqual(['2026-11-22T08:00:00.000Z', '2026-11-22T09:00:00.000Z']);
  });

  it('says that a key with forbidden characters is wrong', async () => {
    await stage.open('', 'ключ');
    await stage.page.getByRole('main', { name: 'The key is wrong' }).waitFor();
  });

  it('shows every text of the API as text, never as HTML', async () => {
    const hostile = row(1, {
      deviceId: markup,
      moduleId: markup,
      policy: markup,
      path: markup,
      hub: markup,
      kind: markup as 'custom',
      outcome: markup as 'failed',
      expected: { [markup]: markup },
      actual: markup,
      error: markup,
      message: markup,
      correlationId: markup,
    });
    stage.answers.drift = { rows: [hostile] };
    stage.answers['drift/open'] = { rows: [{ ...hostile, why: { state: markup, reason: markup } }] };
    stage.answers.policies = {
      policies: [{ name: markup, module: markup, mode: 'audit', openDevices: 1, devices: 2, compliant: 1 }],
    };
    const counts = { [markup]: 3 };
    stage.answers.summary = {
      ...noSummary,
      total: 3,
      buckets: [
        {
          from: new Date(Date.now() - 60 * minute).toISOString(),
          total: 3,
          byPolicy: counts,
          byKind: counts,
          byOutcome: counts,
        },
      ],
      topDevices: [{ deviceId: markup, count: 3 }],
      topProperties: [{ policy: markup, path: markup, count: 3 }],
      compliance: [{ at: new Date(Date.now() - 60 * minute).toISOString(), policy: markup, devices: 2, compliant: 1 }],
    };
    await stage.open();
    await stage.page.locator('#top-devices a').waitFor();
    for (const id of ['#rows', '#open', '#top-devices', '#top-properties', '#policies', '#departures', '#hub']) {
      await eventually(() => stage.text(id)).toContain(markup);
    }
    await stage.page.locator('#rows a.row-link').click();
    await stage.page.getByRole('dialog').getByText('Correlation id').waitFor();
    await eventually(() => stage.page.locator('main img, dialog img, header img').count()).toBe(0);
    await stage.page.setViewportSize({ width: 360, height: 740 });
    await eventually(() => stage.page.locator('html').evaluate((root) => root.scrollWidth)).toBe(360);
  });
});
