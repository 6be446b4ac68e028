import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { readEventFile } from '../../../../infra/cli/commands/event-file.ts';
import { storageOf } from '../../../../infra/cli/commands/storage-option.ts';
import { terminalSize } from '../../../../infra/cli/view/terminal-size.ts';
import { explainMissingBuild } from '../../../../infra/local/missing-build.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-commands-'));
});

afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true }));

async function file(text: string): Promise<string> {
  const path = join(folder, `${crypto.randomUUID()}.json`);
  await writeFile(path, text);
  return path;
}

const form = /must look like DefaultEndpointsProtocol=https;AccountName=/;

describe('the storage account', () => {
  it.each([
    'garbage',
    'AccountName=a;AccountKey=c2VjcmV0',
    'TableEndpoint=nowhere;QueueEndpoint=nowhere;SharedAccessSignature=c2VjcmV0',
  ])('that is given as %s is refused by the name of where it stands, without what it holds', async (wrong) => {
    vi.stubEnv('AzureWebJobsStorage', wrong);
    const endpoints = await file(JSON.stringify({ storageConnectionString: wrong }));
    for (const [options, source] of [
      [{ storage: wrong }, '--storage'],
      [{ endpoints }, endpoints],
      [{}, 'AzureWebJobsStorage'],
    ] as const) {
      const refusal = await storageOf(options).then(String, (error: Error) => error.message);
      expect(refusal).toContain(source);
      expect(refusal).toMatch(form);
      expect(refusal).not.toMatch(/c2VjcmV0|garbage|nowhere|\n/);
    }
  });

  it.each([
    'UseDevelopmentStorage=true',
    'DefaultEndpointsProtocol=https;AccountName=a;AccountKey=c2VjcmV0;EndpointSuffix=core.windows.net',
    'TableEndpoint=https://a.table.core.windows.net;QueueEndpoint=https://a.queue.core.windows.net;SharedAccessSignature=sv=1',
  ])('may be given as %s', async (storage) => {
    expect(await storageOf({ storage })).toEqual({ connectionString: storage });
  });
});

describe('a file of events', () => {
  it('is named where it is no JSON', async () => {
    const bad = await file('{ "body": ');
    await expect(readEventFile(bad)).rejects.toThrow(`${bad} is not valid JSON: `);
  });

  it('is refused as a whole for one event that the app can do nothing with', async () => {
    const good = {
      body: { version: 2, properties: { desired: { a: 1 } } },
      properties: { deviceId: 'd', opType: 'updateTwin', hubName: 'hub' },
      systemProperties: { 'iothub-message-source': 'twinChangeEvents' },
    };
    expect(await readEventFile(await file(JSON.stringify([good])))).toMatchObject([{ deviceId: 'd' }]);
    const mixed = await file(JSON.stringify([good, { body: 1 }]));
    await expect(readEventFile(mixed)).rejects.toThrow(`${mixed}: the app could do nothing with event 2 of 2: `);
  });
});

describe('a missing part of the build', () => {
  it('is told in one line that says how to go on, and nothing else is taken for one', () => {
    expect(explainMissingBuild("Error [X]: Cannot find module '/a/dist/local/chunks/b.js' imported from /a/c.js")).toBe(
      '/a/dist/local/chunks/b.js is missing: run `npm run build`.',
    );
    expect(explainMissingBuild('Port 1 is in use.')).toBe('Port 1 is in use.');
  });
});

describe('a terminal that does not know its size', () => {
  it('is taken for one of 80×24, also by log-update, which looks for itself', () => {
    const terminal = { columns: 0, rows: 0 };
    expect(terminalSize(terminal)).toEqual({ columns: 80, lines: 24 });
    expect(terminal).toEqual({ columns: 80, rows: 24 });
    expect(terminalSize({ columns: 100, rows: 30 })).toEqual({ columns: 100, lines: 30 });
  });
});
