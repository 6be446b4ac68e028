/** Tests the strip with the health at the top of the dashboard. */
import { describe, expect, it } from 'vitest';
import type { HealthDetails, HealthProblem } from '../../functions/api/answers.ts';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { dashboardStage, json, wellHealth } from './dashboard-stage.ts';

const unreachable: HealthProblem = {
  code: 'hubUnreachable',
  severity: 'ill',
  sentence: 'The hub cannot be used: my-hub: 503 <img src=x onerror=alert(1)>.',
  advice: 'Check that the hub exists.',
};
const letters: HealthProblem = {
  code: 'deadLetters',
  severity: 'warning',
  sentence: '3 dead letters hold events that were given up.',
  advice: 'Replay them.',
};

describe.skipIf(isWithoutChromium)('the strip at the top of the dashboard', () => {
  const stage = dashboardStage();
  const strip = () => stage.text('#health');
  const isLive = () => inPage(stage.page, 'document.querySelector("#state").classList.contains("live")');
  const nextLook = () => stage.page.clock.runFor(31_000);
  const policies = {
    policies: [{ name: 'agents', module: 'agent', mode: 'enforce', openDevices: 0, devices: 9, compliant: 9 }],
  };
  /** The colours of the tile with the compliance and of its word, and of the bar of a policy. */
  const greens = () =>
    inPage(
      stage.page,
      '[getComputedStyle(document.querySelector(".tile .tile-value")).color, getComputedStyle(document.querySelector(".meter"), "::before").backgroundColor].join()',
    );

  it('is one line when all is well, and the page says Live', async () => {
    await stage.open();
    await eventually(strip).toMatch(
      /^Works\s+enforcing · last event 1 min ago · last sweep 5 min ago · 1,234 of the hub/,
    );
    await stage.page.locator('#state', { hasText: 'Live' }).waitFor();
    expect(await isLive()).toBe(true);
    const { height = 0 } = (await stage.page.locator('#health').boundingBox()) ?? {};
    expect(height).toBeLessThan(50);
  });

  it('names each problem and what to do, and nothing is green or Live while the app does not work', async () => {
    stage.answers.policies = policies;
    await stage.open();
    await stage.page.locator('#state', { hasText: 'Live' }).waitFor();
    await eventually(() => stage.text('#tiles')).toContain('100 %');
    const whenWell = await greens();
    const ill: HealthDetails = { ...wellHealth(), status: 'unhealthy', problems: [unreachable, letters] };
    stage.intercept = (path, _, response) => {
      if (path !== 'health/details') return false;
      json(response, 503, ill);
      return true;
    };
    await nextLook();
    await eventually(strip).toContain(unreachable.sentence);
    const text = await strip();
    expect(text).toMatch(/^Does not work/);
    expect(text).toContain(unreachable.advice);
    expect(text).toContain(letters.sentence);
    await eventually(() => stage.text('#state')).toMatch(/^Updated/);
    expect(await isLive()).toBe(false);
    await eventually(greens).not.toBe(whenWell);
    expect(await stage.page.locator('#health .badge.good').count()).toBe(0);
    expect(await stage.page.locator('#health img').count()).toBe(0);
    stage.intercept = undefined;
    await nextLook();
    await eventually(strip).toMatch(/^Works/);
    await eventually(greens).toBe(whenWell);
    await eventually(isLive).toBe(true);
  });

  it('says Live with a warning, because the app works', async () => {
    stage.answers['health/details'] = { ...wellHealth(), problems: [letters] } satisfies HealthDetails;
    await stage.open();
    await eventually(strip).toMatch(/^Works, needs attention/);
    await eventually(isLive).toBe(true);
  });

  it.each<[string, (response: Parameters<NonNullable<typeof stage.intercept>>[2]) => void]>([
    ['does not answer', (response) => void response.destroy()],
    ['answers with an error', (response) => json(response, 500, { status: 500, detail: 'Storage is away.' })],
    ['answers 503 without its health', (response) => json(response, 503, { status: 503, detail: 'Too slow.' })],
    ['answers with something else', (response) => void response.writeHead(200).end('<html>')],
  ])('is not green when the app %s', async (_, answer) => {
    await stage.open();
    await eventually(strip).toMatch(/^Works/);
    stage.intercept = (path, __, response) => {
      if (path !== 'health/details') return false;
      answer(response);
      return true;
    };
    await nextLook();
    await eventually(strip).toMatch(/^No answer\s+The app has not told how it is for/);
    await nextLook();
    await eventually(() => stage.text('#state')).not.toMatch(/^Live/);
    expect(await isLive()).toBe(false);
  });

  it('is neither green nor red while the health is not known', async () => {
    stage.answers['health/details'] = { status: 'unknown' } satisfies HealthDetails;
    await stage.open();
    await eventually(strip).toMatch(/^Not known\s+The health check is slow/);
    expect(await isLive()).toBe(false);
    expect(await stage.page.locator('#health .badge.plain').count()).toBe(1);
  });
});
