/** Tests the dashboard at the address of operators who sign in by name. */
import { describe, expect, it } from 'vitest';
import { eventually, isWithoutChromium } from './browser.ts';
import { dashboardStage } from './dashboard-stage.ts';

describe.skipIf(isWithoutChromium)('the dashboard of an operator who signs in', () => {
  const stage = dashboardStage();

  it('asks the API below /api/user/, and sends no key', async () => {
    await stage.openSignedIn();
    await stage.page.locator('#state', { hasText: 'Live' }).waitFor();
    await eventually(() => stage.text('#health')).toMatch(/^Works/);
  });

  it('shows what the app says when the operator has no app role', async () => {
    const detail = 'ada@example.com needs the app role Twinkeeper.Reader or Twinkeeper.Operator.';
    stage.intercept = (_path, _query, response) => {
      response.writeHead(403, { 'content-type': 'application/problem+json' }).end(JSON.stringify({ detail }));
      return true;
    };
    await stage.openSignedIn();
    await eventually(() => stage.text('#problem')).toContain(detail);
    expect(await stage.text('#problem')).not.toContain('key');
  });

  it('says how to sign in again when the sign-in has ended', async () => {
    stage.intercept = (_path, _query, response) => {
      response.writeHead(401).end();
      return true;
    };
    await stage.openSignedIn();
    await eventually(() => stage.text('#problem')).toContain('Load this page again to sign in.');
  });
});
