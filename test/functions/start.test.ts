import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { unreachable } from '../../infra/bench/loaded-app.ts';
import { bundleFunctionApp } from '../../infra/build/function-app.ts';
import { endHosts, startHost } from '../infra/local/host/fixtures/host-process.ts';

afterEach(endHosts);

const key = 'c2VjcmV0LWtleS1zZWNyZXQta2V5';
const password = 'correct-horse-battery';

const supportFolder = join(import.meta.dirname, '../support');

/** Starts an app of `test/support` in a function host, and asks it for its health without a key. */
async function startAndAsk(app: string, settings: Readonly<Record<string, string>> = {}) {
  const host = await startHost({
    app: `../../../../support/${app}`,
    hostJson: { extensions: { http: { routePrefix: 'api' } } },
    settings: { ...unreachable, ...settings },
  });
  const answer = await fetch(`${host.endpoints.functionsUrl}/api/health`);
  return {
    host,
    functions: host.endpoints.functions.map(({ name }) => name),
    status: answer.status,
    text: await answer.text(),
  };
}

describe('an app with wrong settings', () => {
  it('has only the function health, which answers 503 with every wrong setting', async () => {
    const wrong = {
      EventHubConnection: 'nonsense',
      EVENTHUB_NAME: '',
      TWINKEEPER_MODE: 'watch',
      TWINKEEPER_MODUS: 'x',
    };
    const { host, functions, status, text } = await startAndAsk('fixture-app.ts', wrong);
    expect(functions).toEqual(['health']);
    expect(status).toBe(503);
    const { faults, ...answer } = JSON.parse(text) as { readonly faults: readonly string[] };
    expect(answer).toEqual({ status: 'unhealthy' });
    expect(faults).toHaveLength(4);
    for (const name of Object.keys(wrong)) {
      expect(faults).toContainEqual(expect.stringMatching(new RegExp(`^${name} `)));
      expect(host.log()).toMatch(new RegExp(`^ *${name} `, 'm'));
    }
  });

  it('shows no value of a setting to a caller without a key, and no secret in the log', async () => {
    const connectionString = `HostName=https://x;SharedAccessKeyName=x;SharedAccessKey=${key}`;
    const { host, text } = await startAndAsk('fixture-app.ts', {
      IOTHUB_CONNECTION_STRING: connectionString,
      AzureWebJobsStorage: `AccountName=a;Key=${key}`,
      EVENTHUB_NAME: `Endpoint=sb://x/;SharedAccessKey=${key}`,
      TWINKEEPER_MODE: password,
    });
    for (const secret of [key, password]) expect(text).not.toContain(secret);
    expect(host.log()).not.toContain(key);
    expect(host.log()).toContain('TWINKEEPER_MODE must be enforce or audit');
  });
});

describe('an app with wrong policies', () => {
  it('has only the function health, which answers 503 with every fault of every policy', async () => {
    const { host, functions, status, text } = await startAndAsk('conflicting-app.ts');
    expect([functions, status]).toEqual([['health'], 503]);
    const { faults } = JSON.parse(text) as { readonly faults: readonly string[] };
    const expected = [
      /^Policy loose at desired\.Interval: wants .*60.* but the policy strict wants .*1/,
      /^Policy loose at desired\.Extra: .*null/,
    ];
    for (const fault of expected) {
      expect(faults).toContainEqual(expect.stringMatching(fault));
      expect(host.log()).toMatch(new RegExp(fault.source.replace('^Policy ', '^ *'), 'm'));
    }
  });

  it('has only the function health when a file of a policy throws while it loads, and the log has the error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-throwing-'));
    try {
      // The bundle is tested, because it decides when the files of the policies run.
      await bundleFunctionApp(join(import.meta.dirname, '../support/throwing-app.ts'), folder);
      const { host, functions, status, text } = await startAndAsk(relative(supportFolder, join(folder, 'main.cjs')));
      expect([functions, status]).toEqual([['health'], 503]);
      const { faults } = JSON.parse(text) as { readonly faults: readonly string[] };
      expect(faults).toEqual(["The app met an unexpected error while it started. The app's log has the error."]);
      expect(host.log()).toContain('no such plant');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('says the faults of the settings and of the policies together', async () => {
    const { text } = await startAndAsk('conflicting-app.ts', { TWINKEEPER_MODE: 'watch' });
    expect(text).toContain('TWINKEEPER_MODE');
    expect(text).toContain('desired.Interval');
  });
});
