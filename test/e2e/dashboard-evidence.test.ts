/** Tests how the dashboard tells what happened: the course of a row, who acted, Azure's logs, grouped reasons, time zones, and found devices. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { FoundDevicesAnswer, ShownActions } from '../../functions/api/answers.ts';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { actionsOf, fullAnswers, limitReason, storyRow } from './dashboard-answers.ts';
import { dashboardStage, json } from './dashboard-stage.ts';

const markup = '<img src=x onerror=alert(1)>';

describe.skipIf(isWithoutChromium)('the dashboard', () => {
  const stage = dashboardStage({ timezoneId: 'Asia/Kolkata' });
  const dialog = () => stage.page.getByRole('dialog');
  beforeEach(() => {
    for (const [path, answer] of Object.entries(fullAnswers())) stage.answers[path] = answer;
  });

  it('tells the course of a row: each outcome, a repeated reason once with its count, and who released it why', async () => {
    const row = storyRow();
    stage.answers.drift = { rows: [row] };
    stage.answers.actions = { actions: actionsOf().slice(0, 2) } satisfies ShownActions;
    await stage.open('&view=row&of=press-01&row=story');
    await dialog().getByText('Released a policy').waitFor();
    const steps = (await dialog().locator('.steps li').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' '));
    expect(steps.map((text) => text.replaceAll(/\d\d:\d\d:\d\d/g, 'TIME'))).toEqual([
      'Changed TIME by a write to the twin',
      'Detected TIME by an event +3.0 s',
      `Held back TIME by an event +3.0 s ${limitReason} 4 times`,
      'Deferred TIME by a sweep +1 min 3 s the hub throttles calls',
      'Held back TIME by a sweep +2 min 3 s, 3 times until TIME the same reason again',
      'Released a policy TIME ada@example.com: change 4711: new login policy',
      'Enforced TIME by a sweep +7 min 3 s',
    ]);
    // The action on another device is not in the course. The page asks only for the time in which the row was open.
    const asked = stage.asked
      .filter(({ path, query }) => path === 'actions' && query.has('from'))
      .map(({ query }) => query);
    expect(
      asked.map((query) => [query.get('from'), Date.parse(query.get('to') ?? '') >= Date.parse(row.outcomeAt)]),
    ).toEqual([[row.detectedAt, true]]);
  });

  it('shows the course without the actions when these cannot be read', async () => {
    stage.intercept = (path, query, response) => {
      if (path !== 'actions' || !query.has('from')) return false;
      json(response, 503, { status: 503, detail: 'The storage account does not answer.' });
      return true;
    };
    await stage.open('&view=row&of=press-01&row=story');
    await dialog().getByText('What operators did meanwhile could not be read.').waitFor();
    expect(await dialog().locator('.steps li').count()).toBe(6);
  });

  it('offers queries for Azure’s logs, whose text from twins cannot leave its quotes', async () => {
    const deviceId = `a"b\\c'${markup}`;
    stage.answers.drift = { rows: [{ ...storyRow(), deviceId }] };
    await stage.open(`&view=row&of=${encodeURIComponent(deviceId)}&row=story`);
    const logs = dialog().locator('.logs');
    await inPage(stage.page, 'document.querySelectorAll("dialog details").forEach((each) => { each.open = true; })');
    await eventually(() => logs.locator('pre').first().innerText()).toContain(
      `Message has "${storyRow().correlationId}"`,
    );
    const writer = await logs.locator('pre').last().innerText();
    expect(writer).toContain(String.raw`== "a\"b\\c'<img src=x onerror=alert(1)>"`);
    expect(writer).toContain('Resource =~ "my-hub"');
    expect(await logs.locator('a').getAttribute('href')).toMatch(
      /^https:\/\/portal\.azure\.com\/#view\/Microsoft_Azure_Monitoring/,
    );
    expect(await logs.locator('a').getAttribute('rel')).toBe('noopener noreferrer');
    expect(await logs.locator('img').count()).toBe(0);
  });

  it('groups open rows and dead letters by their reason, and keeps an open group open', async () => {
    await stage.open();
    await eventually(() => stage.text('#open')).toMatch(/^held back\s*12 rows\s*limit: the policy has overwritten/);
    const group = stage.page.locator('#open details');
    await group.locator('summary').click();
    await eventually(() => group.locator('li').count()).toBe(12);
    const asked = stage.asked.length;
    await stage.page.clock.runFor(11_000);
    await eventually(() => stage.asked.slice(asked).some(({ path }) => path === 'drift/open')).toBe(true);
    await eventually(() => stage.text('#state')).toMatch(/^Live/);
    expect(await group.getAttribute('open')).not.toBeNull();
    await eventually(() => stage.text('#dead-letters')).toMatch(
      /3 letters\s+the retries ended[\s\S]*press-4[\s\S]*cannot be read/,
    );
  });

  it('shows times in the zone of the browser or in UTC, and keeps the choice in the address', async () => {
    stage.answers.drift = { rows: [{ ...storyRow(), detectedAt: '2026-03-01T20:00:00.000Z' }] };
    await stage.open('&from=2026-03-01T19:00:00Z&to=2026-03-01T21:00:00Z');
    const zone = stage.page.getByRole('combobox', { name: 'Zone' });
    const detected = () => stage.page.locator('#rows time').innerText();
    await eventually(() => zone.locator('option').allInnerTexts()).toEqual([
      expect.stringMatching(/^Asia\/\w+ \(GMT\+5:30\)$/),
      'UTC',
    ]);
    await eventually(detected).toContain('01:30:00');
    expect(await stage.page.locator('#from').inputValue()).toBe('2026-03-02T00:30');
    expect(await stage.page.locator('#rows time').getAttribute('title')).toMatch(
      /01:30:00.*GMT\+5:30 · 2026-03-01T20:00:00\.000Z$/,
    );
    await zone.selectOption('utc');
    await eventually(detected).toContain('20:00:00');
    expect(await stage.page.locator('#from').inputValue()).toBe('2026-03-01T19:00');
    await eventually(() => stage.text('#departures-counted')).toContain('19:00 to 21:00');
    await stage.page.locator('#from').fill('2026-03-01T18:00');
    await stage.page.waitForURL(/from=2026-03-01T18%3A00%3A00/);
    await stage.page.reload();
    await eventually(detected).toContain('20:00:00');
    await stage.page.goBack();
    await eventually(() => stage.page.locator('#from').inputValue()).toBe('2026-03-01T19:00');
  });

  it('finds devices page by page, says what was searched, and filters the page by one', async () => {
    const pages: readonly FoundDevicesAnswer[] = [
      { devices: [], cursor: 'next', searched: { by: 'walk', read: 5000, complete: false } },
      {
        devices: [{ deviceId: markup }, { deviceId: 'press-02' }],
        searched: { by: 'walk', read: 1200, complete: true },
      },
    ];
    stage.intercept = (path, query, response) => {
      if (path !== 'devices') return false;
      json(response, 200, pages[query.has('cursor') ? 1 : 0]);
      return true;
    };
    await stage.open();
    await stage.page.getByRole('link', { name: 'Find devices…' }).click();
    await dialog().getByLabel('Part of the id').fill('press');
    await dialog().getByLabel('Tag, as name:value').fill('site:north');
    await stage.page.keyboard.press('Enter');
    await dialog().getByText('No device found so far. The search has not ended.').waitFor();
    const asked = await stage.question('devices');
    expect([asked.get('search'), asked.get('tag')]).toEqual(['press', 'site:north']);
    await dialog().getByRole('button', { name: 'Search further' }).click();
    await dialog().getByText('2 devices found. All devices of the hub were searched.').waitFor();
    await dialog().getByText('compared 6,200 ids').waitFor();
    expect(await dialog().locator('img').count()).toBe(0);
    await dialog().getByRole('link', { name: 'filter the page by it' }).last().click();
    await dialog().waitFor({ state: 'hidden' });
    await eventually(() => stage.page.getByRole('textbox', { name: 'Device' }).inputValue()).toBe('press-02');
  });

  it('says why devices cannot be searched, and tries again', async () => {
    stage.intercept = (path, _, response) => {
      if (path !== 'devices') return false;
      json(response, 429, { status: 429, detail: 'The messages of today are used up.' });
      return true;
    };
    await stage.open('&view=find&tag=site');
    await dialog().getByRole('alert').getByText('The messages of today are used up.').waitFor();
    stage.intercept = undefined;
    await dialog().getByRole('button', { name: 'Try again' }).click();
    await dialog().getByText('3 devices found. All devices of the hub were searched.').waitFor();
  });
});
