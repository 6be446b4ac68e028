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
  ])('is refused when it is %s, with the name of its source and without its value', async (wrong) => {
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
  ])('can be given as %s', async (storage) => {
    expect(await storageOf({ storage })).toEqual({ connectionString: storage });
  });
});

describe('a file of events', () => {
  it('is named in the error when it is not JSON', async () => {
    const bad = await file('{ "body": ');
    await expect(readEventFile(bad)).rejects.toThrow(`${bad} is not valid JSON: `);
  });

  it('is refused as a whole when the app cannot process one of its events', async () => {
    const good = {
      body: { version: 2, properties: { desired: { a: 1 } } },
      properties: { deviceId: 'd', opType: 'updateTwin', hubName: 'hub' },
      systemProperties: { 'iothub-message-source': 'twinChangeEvents' },
    };
    expect(await readEventFile(await file(JSON.stringify([good])))).toMatchObject([{ deviceId: 'd' }]);
    const mixed = await file(JSON.stringify([good, { body: 1 }]));
    await expect(readEventFile(mixed)).rejects.toThrow(`${mixed}: the app cannot process event 2 of 2: `);
  });
});

describe('an error about a missing file of the build', () => {
  it('becomes one line with the way out, and other errors stay as they are', () => {
    expect(explainMissingBuild("Error [X]: Cannot find module '/a/dist/local/chunks/b.js' imported from /a/c.js")).toBe(
      '/a/dist/local/chunks/b.js is missing: run `npm run build`.',
    );
    expect(explainMissingBuild('Port 1 is in use.')).toBe('Port 1 is in use.');
  });
});

describe('a terminal without a size', () => {
  it('counts as 80×24, also for log-update, which reads the size from the stream', () => {
    const terminal = { columns: 0, rows: 0 };
    expect(terminalSize(terminal)).toEqual({ columns: 80, lines: 24 });
    expect(terminal).toEqual({ columns: 80, rows: 24 });
    expect(terminalSize({ columns: 100, rows: 30 })).toEqual({ columns: 100, lines: 30 });
  });
});
