/** Tests the list of operators' actions on the dashboard. */
import { describe, expect, it } from 'vitest';
import type { ShownAction, ShownActions } from '../../functions/api/answers.ts';
import { eventually, inPage, isWithoutChromium } from './browser.ts';
import { dashboardStage } from './dashboard-stage.ts';

const markup = '<img src=x onerror=alert(1)>';

function action(more: Partial<ShownAction>): ShownAction {
  const at = new Date(Date.now() - 5 * 60_000).toISOString();
  return { at, action: 'sweep', by: { type: 'key', key: 'master' }, target: {}, reason: '', result: 'done', ...more };
}

describe.skipIf(isWithoutChromium)('the list of actions on the dashboard', () => {
  const stage = dashboardStage({ viewport: { width: 390, height: 844 } });

  it('says who did what and why, and is hidden when nobody did anything', async () => {
    await stage.open();
    await eventually(() => stage.text('#open')).toContain('All drift is repaired.');
    const card = stage.page.locator('#actions-card');
    expect(await card.isVisible()).toBe(false);
    const by = { type: 'user', name: markup, id: 'b8e1' } as const;
    stage.answers.actions = {
      actions: [
        action({ action: 'release', by, target: { policy: 'agents' }, reason: `${markup} ${'long'.repeat(100)}` }),
        action({ action: 'reconcile', target: { deviceId: 'pump' }, result: 'started' }),
        action({ action: 'constructor', by: { type: 'commandLine', user: 'ada', host: 'build-7' }, result: 'failed' }),
        action({ action: 'mode', by: { type: 'app' }, target: { policy: 'agents' } }),
      ],
      cursor: 'more',
    } satisfies ShownActions;
    await stage.page.clock.runFor(30_000);
    await card.getByText('These are the newest.').waitFor();
    const lines = (await card.locator('li').allInnerTexts()).map((text) => text.replaceAll(/\s+/g, ' ').trim());
    expect(lines).toEqual([
      expect.stringMatching(/^Released a policy agents .* <img src=x onerror=alert\(1\)>: <img src=x .*longlong$/),
      expect.stringMatching(/^Reconciled a device pump not ended .* Somebody with a master key$/),
      expect.stringMatching(/^constructor failed .* ada@build-7, by the command$/),
      expect.stringMatching(/^Changed the mode of a policy agents .* Noticed by the app$/),
    ]);
    await card.getByRole('link', { name: 'pump' }).waitFor();
    expect(await card.locator('img').count()).toBe(0);
    // The longest reason does not make the page wider than a phone.
    expect(await inPage<number>(stage.page, 'document.documentElement.scrollWidth')).toBe(390);
  });
});
