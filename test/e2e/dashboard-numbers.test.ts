/** Tests the numbers and charts of the dashboard. Each number must say what it counts, and for which time range. */
import { describe, expect, it } from 'vitest';
import type { PolicyAnswer } from '../../functions/api/answers.ts';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { dashboardStage, noSummary, row } from './dashboard-stage.ts';

const minute = 60_000;
const hour = 60 * minute;

const policy = (name: string, more: Partial<PolicyAnswer> = {}): PolicyAnswer => ({
  name,
  module: 'agent',
  mode: 'enforce',
  createModule: true,
  properties: [],
  evaluates: false,
  openDevices: 0,
  ...more,
});

const bucket = (from: string, total: number) => ({
  from,
  total,
  byPolicy: { agents: total },
  byKind: { wrongValue: total },
  byOutcome: { enforced: total },
});

/** An open row. */
const open = (number: number, more = {}) => ({
  ...row(number, { outcome: 'heldBack', ...more }),
  why: { state: 'heldBack', reason: 'too many at once' },
});

/** A browser expression that copies the pixels of `canvas`. Reading the copy does not slow the chart down. */
const copied = `(() => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d', { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  return copy;
})()`;

describe.skipIf(isWithoutChromium)('the dashboard', () => {
  const stage = dashboardStage();
  const tile = (label: string) => stage.page.locator('.tile', { hasText: label });

  describe('with a time range of partial hours', () => {
    it('shows which hours it counts, and draws each bar as wide as its hour', async () => {
      stage.answers.summary = { ...noSummary, total: 10_654, buckets: [bucket('2024-03-05T08:00:00.000Z', 10_654)] };
      await stage.open('&from=2024-03-05T08:35:00.000Z&to=2024-03-05T08:40:00.000Z');
      await tile('Drift found').getByText('10,654 repaired, 5 Mar 2024 08:00 to 09:00').waitFor();
      await eventually(() => stage.text('#departures-counted')).toBe('counted by the hour: 5 Mar 2024 08:00 to 09:00');
      const asked = await stage.question('summary');
      expect([asked.get('from'), asked.get('to')]).toEqual(['2024-03-05T08:00:00.000Z', '2024-03-05T09:00:00.000Z']);
      const rows = await stage.question('drift');
      expect([rows.get('from'), rows.get('to')]).toEqual(['2024-03-05T08:35:00.000Z', '2024-03-05T08:40:00.000Z']);
      await eventually(filledShare).toBeGreaterThan(0.9);
      await stage.page.locator('#departures summary').click();
      await eventually(() => stage.page.locator('#departures tbody th').allInnerTexts()).toEqual([
        '5 Mar 2024 08:00 to 09:00',
      ]);
    });

    it('counts every hour that overlaps the last hour', async () => {
      await stage.open('&range=1h');
      await tile('Drift found').getByText('0 repaired').waitFor();
      const asked = await stage.question('summary');
      const [from = 0, to = 0] = ['from', 'to'].map((name) => Date.parse(asked.get(name) ?? ''));
      expect(from % hour).toBe(0);
      expect(to - from).toBeGreaterThanOrEqual(hour);
      expect(to - from).toBeLessThan(2 * hour);
      await eventually(() => stage.text('#departures-counted')).toMatch(
        /^counted by the hour: .*\d\d:00 to .*\d\d:\d\d$/,
      );
    });

    it('draws the last bar narrower when its period is shorter', async () => {
      const buckets = [bucket('2024-03-05T00:00:00.000Z', 5), bucket('2024-03-07T00:00:00.000Z', 5)];
      stage.answers.summary = { ...noSummary, total: 10, buckets };
      await stage.open('&from=2024-03-05T00:00:00.000Z&to=2024-03-07T02:00:00.000Z');
      await stage.page.locator('#departures summary').click();
      const lastSpans = async () => (await stage.page.locator('#departures tbody th').allInnerTexts()).slice(-2);
      await eventually(lastSpans).toEqual(['6 Mar 2024 18:00 to 7 Mar 2024 00:00', '7 Mar 2024 00:00 to 02:00']);
      // The chart has two bars. They cover 6 and 2 hours of a time range of 50 hours.
      await eventually(filledShare).toBeGreaterThan(0.12);
      await eventually(filledShare).toBeLessThan(0.17);
    });

    it('shows the counts of the bar under the pointer', async () => {
      stage.answers.summary = { ...noSummary, total: 3, buckets: [bucket('2024-03-05T08:00:00.000Z', 3)] };
      await stage.open('&from=2024-03-05T08:00:00.000Z&to=2024-03-05T10:00:00.000Z');
      const tipAt = async (share: number) => {
        const box = await stage.page.locator('#departures .u-over').boundingBox();
        if (box === null) throw new Error('The chart is not visible.');
        await stage.page.mouse.move(box.x + box.width * share, box.y + 100);
        return stage.page.locator('#departures .tip').innerText({ timeout: 1_000 });
      };
      await eventually(() => tipAt(0.45)).toMatch(/5 Mar 2024 08:00 to 09:00\s*agents\s*3/);
      await eventually(() => tipAt(0.55)).toBe('5 Mar 2024 09:00 to 10:00');
    });
  });

  it('shows the time of a count that is not current', async () => {
    stage.answers.summary = { ...noSummary, total: 1, countedAt: '2024-03-05T08:55:00.000Z' };
    await stage.open('&from=2024-03-05T08:00:00.000Z&to=2024-03-05T09:00:00.000Z');
    await tile('Drift found').getByText('0 repaired, 5 Mar 2024 08:00 to 09:00, as of 08:55').waitFor();
  });

  it('shows no zero for a time range that is not counted yet', async () => {
    stage.answers.summary = { ...noSummary, countedAt: undefined };
    await stage.open();
    await tile('Drift found').getByText('not counted yet').waitFor();
    await eventually(() => tile('Drift found').locator('.tile-value').innerText()).toBe('–');
    await eventually(() => stage.text('#departures')).toBe('This time range is not counted yet.');
  });

  describe('with filters', () => {
    const agents = policy('agents', { openDevices: 27, devices: 700, compliant: 673 });

    it('asks for the counts with its filters, marks the numbers of the whole fleet, and shows no green state', async () => {
      stage.answers.policies = { policies: [agents] };
      stage.answers.summary = { ...noSummary, total: 3 };
      await stage.open('&deviceId=123&policy=agents&outcome=failed');
      const asked = await stage.question('summary');
      expect(['deviceId', 'policy', 'outcome', 'kind'].map((name) => asked.get(name))).toEqual([
        '123',
        'agents',
        'failed',
        null,
      ]);
      expect((await stage.question('actions')).get('policy')).toBe('agents');
      await tile('Out of line now').getByText('with these filters; whole fleet: 27').waitFor();
      await eventually(() => tile('Out of line now').getAttribute('class')).not.toContain('good');
      await eventually(() => stage.text('#open')).toBe(
        'No drift matches these filters. In the whole fleet, 27 devices are out of line.',
      );
      await eventually(() => tile('Compliant now').innerText()).toContain('whole fleet');
      await eventually(() => stage.text('#compliance-card')).toContain('whole fleet');
      for (const label of ['Drift found', 'Time to repair, median', 'Time to repair, p99']) {
        await eventually(() => tile(label).innerText()).not.toContain('whole fleet');
      }
      await eventually(() => stage.text('#departures-counted')).toContain('with these filters');
      await stage.page.getByRole('button', { name: 'Clear' }).click();
      await tile('Out of line now')
        .getByText(/^devices; /)
        .waitFor();
      await eventually(() => stage.page.locator('#main').innerText()).not.toContain('whole fleet');
    });

    it('shows only the open drift that matches the filters', async () => {
      stage.answers.policies = { policies: [agents] };
      stage.answers['drift/open'] = { rows: [open(1), open(2, { kind: 'custom', deviceId: 'odd' })] };
      await stage.open('&kind=custom');
      await tile('Out of line now').getByText('with these filters; whole fleet: 27').waitFor();
      await eventually(() => tile('Out of line now').locator('.tile-value').innerText()).toBe('1');
      await eventually(() => stage.page.locator('#open .open-head a').allInnerTexts()).toEqual(['odd']);
      await eventually(() => stage.text('#open-count')).toBe('1 held back, with these filters');
    });

    it('says from when on all rows are counted, when there are too many', async () => {
      const its = bucket('2024-03-05T08:00:00.000Z', 10_000);
      stage.answers.summary = {
        ...noSummary,
        total: 10_000,
        buckets: [its],
        incompleteBefore: '2024-03-05T08:12:00.000Z',
      };
      await stage.open('&from=2024-03-05T06:00:00.000Z&to=2024-03-05T09:00:00.000Z&policy=agents');
      await tile('Drift found').getByText('10,000+').waitFor();
      await tile('Drift found').getByText('complete only from 5 Mar 2024 08:12').waitFor();
      await stage.page
        .getByRole('img', { name: 'Drift over time: 10,000 rows, complete only from 5 Mar 2024 08:12' })
        .waitFor();
    });

    it('shows the compliance of the policy of the filter alone', async () => {
      stage.answers.policies = { policies: [agents, policy('others', { devices: 10, compliant: 10 })] };
      await stage.open('&policy=agents');
      await eventually(() => stage.page.locator('#compliance .legend').innerText()).toBe('agents');
      expect(await stage.page.locator('.whole:visible').count()).toBe(0);
    });
  });

  it('says what the last sweep left, and which policies look wrong', async () => {
    const warnings = ['The scope of the policy agents holds no device of the hub.'];
    stage.answers.sweeps = { sweeps: [{ waiting: 12, alreadyQueued: 0, heldBack: 1, warnings }] };
    await stage.open();
    await eventually(() => stage.text('#last-sweep')).toMatch(
      /^Last sweep: 12 devices still waiting in the queue; 1 module held back by a guard and unchanged\.\s+The scope of the policy agents/,
    );
  });

  it('says nothing about a sweep that left nothing', async () => {
    stage.answers.sweeps = { sweeps: [{ waiting: 0, alreadyQueued: 0, heldBack: 0, warnings: [] }] };
    await stage.open();
    await eventually(() => stage.page.locator('.loading').count()).toBe(0);
    expect(await stage.text('#last-sweep')).toBe('');
  });

  describe('with open drift', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => open(index));

    it('counts devices, and shows the number of drift rows beside them', async () => {
      stage.answers['drift/open'] = {
        rows: [open(1), open(2, { deviceId: 'device-1', path: 'Another' }), open(3, { policy: 'others' })],
      };
      stage.answers.policies = { policies: [policy('agents', { openDevices: 1 }), policy('others')] };
      await stage.open();
      await tile('Out of line now').getByText('devices; 3 drift rows').waitFor();
      await eventually(() => tile('Out of line now').locator('.tile-value').innerText()).toBe('2');
      await eventually(() => stage.page.title()).toBe('2 out of line – Twinkeeper');
    });

    it('counts all open devices when the list is not complete', async () => {
      stage.answers['drift/open'] = { rows: hundred, cursor: 'more' };
      stage.answers.policies = {
        policies: [policy('agents', { openDevices: 4_321 }), policy('others', { openDevices: 12 })],
      };
      await stage.open();
      await tile('Out of line now').getByText('devices; more than 100 drift rows').waitFor();
      await eventually(() => tile('Out of line now').locator('.tile-value').innerText()).toBe('4,333');
      await eventually(() => stage.text('#open-count')).toBe('100 held back in the first 100 rows');
      await eventually(() => stage.text('#open')).toContain('The list is not complete. Filter by policy or device');
      await stage.page.getByRole('combobox', { name: 'Policy' }).selectOption('agents');
      await tile('Out of line now').getByText('with these filters; whole fleet: 4,333').waitFor();
      await eventually(() => tile('Out of line now').locator('.tile-value').innerText()).toBe('4,321');
      await stage.page.getByRole('combobox', { name: 'Kind' }).selectOption('custom');
      await tile('Out of line now').getByText('none of the first 100 rows matches these filters').waitFor();
      await eventually(() => tile('Out of line now').locator('.tile-value').innerText()).toBe('–');
    });

    it('shows no green state while the list is not complete', async () => {
      stage.answers['drift/open'] = { rows: [], cursor: 'more' };
      stage.answers.policies = { policies: [policy('agents', { openDevices: 3 })] };
      await stage.open();
      await tile('Out of line now')
        .getByText(/^devices; /)
        .waitFor();
      await eventually(() => tile('Out of line now').locator('.tile-value').innerText()).toBe('3');
      await eventually(() => stage.text('#open')).toBe('3 devices are out of line.');
    });
  });

  it('ignores names that JavaScript objects inherit', async () => {
    const first = { ...bucket('2024-03-05T08:00:00.000Z', 2), byPolicy: { agents: 2 } };
    const second = { ...bucket('2024-03-05T09:00:00.000Z', 1), byPolicy: { constructor: 1 } };
    stage.answers.summary = { ...noSummary, total: 3, buckets: [first, second] };
    await stage.open('&from=2024-03-05T08:00:00.000Z&to=2024-03-05T10:00:00.000Z');
    await stage.page.getByRole('img', { name: 'Drift over time: 3 rows; agents 2, constructor 1' }).waitFor();
  });

  it.each(['light', 'dark'] as const)('cuts off no label at the ends of its axes in %s mode', async (colorScheme) => {
    await stage.page.emulateMedia({ colorScheme });
    const ends = { from: '2024-03-05T00:00:00.000Z', to: '2024-03-05T09:00:00.000Z' };
    const compliance = [0, 9].map((at) => ({
      at: `2024-03-05T0${at}:00:00Z`,
      policy: 'agents',
      devices: 9,
      compliant: 8,
    }));
    stage.answers.summary = {
      ...noSummary,
      total: 1_234_567,
      buckets: [bucket(ends.from, 1_234_567)],
      compliance,
    };
    await stage.open(`&from=${ends.from}&to=${ends.to}`);
    for (const chart of ['departures', 'compliance']) {
      await stage.page.locator(`#${chart} canvas`).waitFor();
      await eventually(() => inkAtEdges(chart)).toEqual({ left: 0, right: 0 });
    }
  });

  /** The share of the chart's width that has a bar directly above the time axis, from 0 to 1. */
  function filledShare(): Promise<number> {
    return inPage<number>(
      stage.page,
      `(() => {
        const canvas = document.querySelector('#departures canvas');
        const copy = ${copied};
        const plot = document.querySelector('#departures .u-over').getBoundingClientRect();
        const its = canvas.getBoundingClientRect();
        const scale = canvas.width / its.width;
        const [x, y] = [(plot.left - its.left) * scale, (plot.bottom - its.top) * scale - 4];
        const { data } = copy.getImageData(x, y, plot.width * scale, 1);
        const [red, green, blue] = getComputedStyle(document.querySelector('#departures .s1')).backgroundColor.match(/\\d+/g);
        let filled = 0;
        for (let at = 0; at < data.length; at += 4)
          if (Math.abs(data[at] - red) + Math.abs(data[at + 1] - green) + Math.abs(data[at + 2] - blue) < 30) filled++;
        return filled / (data.length / 4);
      })()`,
    );
  }

  /** Number of drawn pixels in the outermost columns of a chart. It is above 0 when a drawing continues beyond the edge and is cut off. */
  function inkAtEdges(chart: string): Promise<{ readonly left: number; readonly right: number }> {
    return inPage(
      stage.page,
      `(() => {
        const canvas = document.querySelector('#${chart} canvas');
        const copy = ${copied};
        const ink = (x) => {
          const { data } = copy.getImageData(x, 0, 2, canvas.height);
          return data.filter((value, index) => index % 4 === 3 && value > 0).length;
        };
        return { left: ink(0), right: ink(canvas.width - 2) };
      })()`,
    );
  }
});
