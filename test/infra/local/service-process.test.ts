import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KilledEarly, startServiceProcess } from '../../../infra/local/service-process.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twinkeeper-service-'));
});

afterAll(() => rm(folder, { recursive: true }));

async function start(code: string, onLine = (_: string) => {}) {
  const script = join(folder, `${crypto.randomUUID()}.mjs`);
  await writeFile(script, code);
  return startServiceProcess<{ readonly given: unknown }>({ name: 'The tester', script, options: { port: 1 }, onLine });
}

const ready = 'process.send({ ready: { given: JSON.parse(process.argv[2]) } });';

describe('a service process', () => {
  it('is given its options, and says where it is when it is ready', async () => {
    const service = await start(`process.on('SIGTERM', () => process.exit(7)); ${ready}`);
    expect(service.endpoints.given).toEqual({ port: 1 });
    await service.close();
    expect(await service.ended).toBe('code 7');
  });

  it('that fails says why', async () => {
    await expect(start("process.send({ failed: 'port 1 is in use' });")).rejects.toThrow(
      'The tester does not start: port 1 is in use',
    );
  });

  it('that ends without a word is reported with its last one', async () => {
    await expect(start("console.error('no room'); process.exit(3);")).rejects.toThrow(
      'The tester ended with code 3 before it was ready: no room',
    );
  });

  it('that is killed before it is ready can be told from one that is at fault', async () => {
    await expect(start("process.kill(process.pid, 'SIGKILL');")).rejects.toThrow(KilledEarly);
  });

  it('that will not end is ended', async () => {
    const service = await start(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); ${ready}`);
    await service.close(50);
    expect(await service.ended).toBe('signal SIGKILL');
  });

  it('hands on what it writes, line by line', async () => {
    const lines: string[] = [];
    const service = await start(`console.log('one'); console.error('two\\nthree'); ${ready}`, (line) =>
      lines.push(line),
    );
    await service.close();
    expect(lines.toSorted()).toEqual(['one', 'three', 'two']);
  });
});
