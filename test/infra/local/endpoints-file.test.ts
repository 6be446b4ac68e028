import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkEndpointsFile, type SystemEndpoints, writeEndpointsFile } from '../../../infra/local/endpoints-file.ts';

const root = resolve(import.meta.dirname, '../../..');

const endpoints: SystemEndpoints = {
  ...{ iotHubConnectionString: 'hub', eventHubConnectionString: 'events', eventHubName: 'name' },
  ...{ storageConnectionString: 'storage', functionsUrl: 'http://127.0.0.1:1', functionKey: 'f', masterKey: 'm' },
  ...{ caFile: '/ca.pem', controlUrl: 'http://127.0.0.1:2', blastRadius: 20 },
};

describe('the endpoints file', () => {
  it('is readable by its owner only, and its remover leaves nothing behind', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'twinkeeper-endpoints-'));
    try {
      const file = join(folder, 'endpoints.json');
      const remove = await writeEndpointsFile(file, endpoints);
      expect(JSON.parse(await readFile(file, 'utf8'))).toEqual(endpoints);
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      await remove();
      expect(await readdir(folder)).toEqual([]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('is refused in a folder that does not exist', () => {
    expect(() => checkEndpointsFile('/no/such/folder/endpoints.json')).toThrow('there is no folder /no/such/folder');
  });

  it('is ignored by git under each name that the documents and the help use, because it holds keys', () => {
    const texts = globSync(['README.md', 'docs/**/*.md', 'infra/cli/**/*.ts'], { cwd: root });
    const names = texts.flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/--endpoints[ =]([\w.-]+\.json)\b/g)].map(([, name]) => name),
    );
    expect(names.length).toBeGreaterThan(0);
    const ignored = readFileSync(join(root, '.gitignore'), 'utf8').split('\n');
    // The name with a star also covers the unfinished file. The name of that file is the file's name and the id of the process.
    expect([...new Set(names)].filter((name) => !ignored.includes(`${name}*`))).toEqual([]);
  });
});
