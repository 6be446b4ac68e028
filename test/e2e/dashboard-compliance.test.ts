/** Tests that the dashboard's numbers do not flatter: the compliance of the fleet, what is not counted yet, onboarding, and unfinished bars. */
import { describe, expect, it } from 'vitest';
import type { PolicyAnswer } from '../../functions/api/answers.ts';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { dashboardStage, fleetOf, noSummary, row } from './dashboard-stage.ts';

const hour = 3_600_000;

const policy = (name: string, more: Partial<PolicyAnswer> = {}): PolicyAnswer => ({
  ...{ name, module: 'agent', mode: 'enforce', createModule: true, properties: [], evaluates: false, openDevices: 0 },
  ...more,
});

/** The counts of a bucket of which `onboarded` rows belong to the onboarding of devices. */
const bucket = (from: string, total: number, onboarded = 0, outcomes: Readonly<Record<string, number>> = {}) => ({
  from,
  total,
  byPolicy: { agents: total },
  byKind: { wrongValue: total - onboarded, missingModule: onboarded },
  byOutcome: { enforced: total - onboarded, created: onboarded, ...outcomes },
  onboarding: {
    total: onboarded,
    byPolicy: { agents: onboarded },
    byKind: { missingModule: onboarded },
    byOutcome: { created: onboarded },
  },
});

const compliance = (at: string, compliant: number, meanPercent: number | null, minPercent: number | null) => ({
  ...{ at, devices: 100, compliant, meanPercent, minPercent, countedMinutes: meanPercent === null ? 0 : 60 },
});

const nothing = { devices: null, devicesCountedAt: null, isExact: null, compliant: null, percent: null };

describe.skipIf(isWithoutChromium)('the numbers of the dashboard', () => {
  const stage = dashboardStage();
  const tile = (label: string) => stage.page.locator('.tile', { hasText: label });
  const numberOf = (label: string) => tile(label).locator('.tile-value').innerText();

  it('count a device once that breaks one of several policies, with each policy beside', async () => {
    stage.answers.policies = {
      policies: [
        policy('agents', { devices: 2000, compliant: 5, openDevices: 1995 }),
        policy('cameras', { devices: 2000, compliant: 2000 }),
      ],
      fleet: fleetOf(2000, 1995),
    };
    await stage.open();
    await tile('Compliant now').getByText('5 of 2,000 devices keep to all policies').waitFor();
    await eventually(() => numberOf('Compliant now')).toBe('0.2 %');
    await eventually(() => numberOf('Out of line now')).toBe('1,995');
    await eventually(() => stage.page.locator('#policies tr').allInnerTexts()).toContainEqual(
      expect.stringMatching(/cameras\s+100 %\s+2,000 \/ 2,000/),
    );
  });

  it.each([
    ['no sweep has looked', { ...nothing, outOfLine: 0 }, 0],
    ['an update of the app', { ...fleetOf(9, 0), outOfLine: null, compliant: null, percent: null }, 0],
    ['devices wait in the queue of the sweep', fleetOf(9, 0), 4],
  ])('are not green while the fleet is not looked at: %s', async (_, fleet, waiting) => {
    stage.answers.policies = { policies: [policy('agents')], fleet };
    stage.answers.sweeps = { sweeps: [{ waiting, alreadyQueued: 0, heldBack: 0, warnings: [] }] };
    await stage.open();
    await tile('Compliant now')
      .getByText(waiting === 0 ? 'not counted yet' : '9 of 9 devices')
      .waitFor();
    await eventually(() => tile('Compliant now').getAttribute('class')).not.toContain('good');
    await eventually(() => stage.text('#policies')).toContain('not counted yet');
    if (waiting > 0) return;
    await eventually(() => numberOf('Compliant now')).toBe('–');
    expect(await stage.text('#main')).not.toContain('100 %');
    if (fleet.devices === null) {
      await eventually(() => tile('Out of line now').getAttribute('class')).not.toContain('good');
      await eventually(() => stage.text('#open')).toContain('Not counted yet');
    }
  });

  it('are upper bounds, and not green, where no query can test the scope of a policy', async () => {
    stage.answers.policies = { policies: [policy('agents')], fleet: { ...fleetOf(2000, 0), isExact: false } };
    await stage.open();
    await tile('Compliant now').getByText('at most 2,000 of 2,000 devices keep to all policies').waitFor();
    await eventually(() => numberOf('Compliant now')).toBe('≤ 100 %');
    await eventually(() => tile('Compliant now').getAttribute('class')).not.toContain('good');
  });

  it('show the mean and the lowest compliance of an hour, and a gap where nothing was counted', async () => {
    stage.answers.policies = { policies: [policy('agents')] };
    stage.answers.summary = {
      ...noSummary,
      fleet: [
        compliance('2024-03-05T08:00:00.000Z', 99, null, null),
        compliance('2024-03-05T09:00:00.000Z', 100, 98.333, 80),
        compliance('2024-03-05T12:00:00.000Z', 100, 100, 100),
      ],
    };
    await stage.open('&from=2024-03-05T08:00:00.000Z&to=2024-03-05T13:00:00.000Z');
    await stage.page
      .getByRole('img', { name: 'Compliant devices over time: last all policies 100.0 %, lowest 80.0 %' })
      .waitFor();
    await stage.page.locator('#compliance summary').click();
    await eventually(() => stage.page.locator('#compliance tbody td').allInnerTexts()).toEqual([
      '99.0 %',
      '98.3 %, lowest 80.0 %',
      'not counted',
      '100.0 %',
      '100.0 %',
    ]);
  });

  it('count onboarding apart from departures', async () => {
    stage.answers.summary = {
      ...noSummary,
      total: 12,
      buckets: [bucket('2024-03-05T08:00:00.000Z', 12, 7)],
      onboarding: bucket('', 12, 7).onboarding,
    };
    const range = '&from=2024-03-05T08:00:00.000Z&to=2024-03-05T09:00:00.000Z';
    await stage.open(`${range}&by=kind`);
    await tile('Drift found').getByText('5 repaired, 5 Mar 2024 08:00 to 09:00').waitFor();
    await tile('Drift found').getByText('(+ 7 onboarding)').waitFor();
    await eventually(() => numberOf('Drift found')).toBe('5');
    await stage.page
      .getByRole('img', { name: 'Drift over time: 12 rows; wrong value 5, onboarding of new devices 7' })
      .waitFor();
    stage.answers.summary = { ...noSummary, total: 12, onboarding: null };
    await stage.open(range);
    await tile('Drift found').getByText('(with onboarding)').waitFor();
    await eventually(() => numberOf('Drift found')).toBe('12');
  });

  it('show outcomes that are not the work of Twinkeeper in grey', async () => {
    const outcomes = ['healed', 'superseded', 'gone', 'retired'] as const;
    const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 1]));
    stage.answers.summary = { ...noSummary, total: 9, buckets: [bucket('2024-03-05T08:00:00.000Z', 5, 0, counts)] };
    stage.answers.drift = { rows: outcomes.map((outcome, index) => row(index, { outcome })) };
    await stage.open('&from=2024-03-05T08:00:00.000Z&to=2024-03-05T09:00:00.000Z&by=outcome');
    await stage.page.locator('#rows .badge').nth(3).waitFor();
    const isGrey = `((element, name) => {
      const [red, green, blue] = getComputedStyle(element)[name].match(/\\d+/g).map(Number);
      return Math.max(red, green, blue) - Math.min(red, green, blue) < 30;
    })`;
    const greys = (selector: string, name: string) =>
      inPage<boolean[]>(
        stage.page,
        `[...document.querySelectorAll('${selector}')].map((element) => ${isGrey}(element, '${name}'))`,
      );
    expect(await greys('#rows .badge', 'backgroundColor')).toEqual([true, true, true, true]);
    expect(await greys('#departures .legend .swatch', 'backgroundColor')).toEqual([false, true, true, true, true]);
  });

  it('say that the newest bar is not over, and hatch it', async () => {
    const start = Math.floor(Date.now() / hour) * hour;
    await stage.page.clock.setFixedTime(start + 0.4 * hour);
    const [before, now] = [start - hour, start].map((at) => bucket(new Date(at).toISOString(), 9));
    stage.intercept = (path, query, response) => {
      if (path !== 'summary') return false;
      const to = new Date(start + 0.4 * hour).toISOString();
      const answer = { ...noSummary, from: query.get('from'), to, countedAt: to, bucket: '1h', total: 18 };
      response.end(JSON.stringify({ ...answer, buckets: [before, now] }));
      return true;
    };
    await stage.open();
    await stage.page.locator('#departures .legend', { hasText: 'hatched: not over yet' }).waitFor();
    await stage.page.locator('#departures summary').click();
    const lines = () => stage.page.locator('#departures tbody th').allInnerTexts();
    await eventually(async () => (await lines()).at(-1)).toMatch(/:00 to .*, so far$/);
    expect((await lines()).filter((line) => line.includes('so far'))).toHaveLength(1);
    // The last bar has stripes, and the bar before has none: so many pixels of a row have the colour of the series.
    const filled = (fromEnd: number) =>
      inPage<number>(
        stage.page,
        `(() => {
          const canvas = document.querySelector('#departures canvas');
          const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
          copy.drawImage(canvas, 0, 0);
          const plot = document.querySelector('#departures .u-over').getBoundingClientRect();
          const its = canvas.getBoundingClientRect();
          const scale = canvas.width / its.width;
          const bars = document.querySelectorAll('#departures tbody tr').length;
          const width = (plot.width * scale) / bars;
          const x = (plot.right - its.left) * scale - (${fromEnd} - 0.25) * width;
          const { data } = copy.getImageData(x, (plot.bottom - its.top) * scale - 40, width / 2, 30);
          const [red, green, blue] = getComputedStyle(document.querySelector('#departures .s1')).backgroundColor.match(/\\d+/g);
          let found = 0;
          for (let at = 0; at < data.length; at += 4)
            if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 30) found++;
          return found / (data.length / 4);
        })()`,
      );
    await eventually(() => filled(2)).toBe(1);
    const share = await filled(1);
    expect([share > 0.05, share < 0.8]).toEqual([true, true]);
  });
});

describe.skipIf(isWithoutChromium).each([
  // Midnight in Darwin is at 14:30 UTC, and the history is counted by whole hours (UTC).
  ['Australia/Darwin', '15:00', '00:30'],
  ['Europe/Berlin', '23:00', '00:00'],
])('the days of the charts in %s', (timezoneId, utc, local) => {
  const stage = dashboardStage({ timezoneId });

  it('begin at local midnight', async () => {
    await stage.page.clock.setFixedTime('2026-02-10T12:34:56Z');
    await stage.open('&range=30d');
    const question = await stage.question('summary');
    const from = question.get('from') ?? '';
    expect([from.slice(11, 16), question.get('zone'), question.get('bucket')]).toEqual([utc, timezoneId, '1d']);
    const total = 3;
    stage.answers.summary = { ...noSummary, total, buckets: [bucket(from, total)] };
    await stage.page.reload();
    await stage.page.locator('#departures summary').click();
    const lines = await stage.page.locator('#departures tbody th').allInnerTexts();
    // Each day ends where the next one begins.
    for (const line of lines.slice(0, -1)) expect(line).toMatch(new RegExp(`${local} to .*${local}$`));
    expect(lines.length).toBe(31);
  });

  it('begin at midnight in UTC when the page shows times in UTC', async () => {
    await stage.page.clock.setFixedTime('2026-02-10T12:34:56Z');
    await stage.open('&range=30d&zone=utc');
    const question = await stage.question('summary');
    expect([question.get('from'), question.get('zone')]).toEqual(['2026-01-11T00:00:00.000Z', 'UTC']);
  });
});
