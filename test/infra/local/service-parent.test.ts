import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KilledEarly, startServiceProcess } from '../../../infra/local/service-parent.ts';

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
  it('receives its options, and reports its endpoints when it is ready', async () => {
    const service = await start(`process.on('SIGTERM', () => process.exit(7)); setInterval(() => {}, 1000); ${ready}`);
    expect(service.endpoints.given).toEqual({ port: 1 });
    await service.close();
    expect(await service.ended).toBe('code 7');
  });

  it('reports why it failed', async () => {
    await expect(start("process.send({ failed: 'port 1 is in use' });")).rejects.toThrow(
      'The tester does not start: port 1 is in use',
    );
  });

  it('is reported with its last line when it ends without a message', async () => {
    await expect(start("console.error('no room'); process.exit(3);")).rejects.toThrow(
      'The tester ended with code 3 before it was ready: no room',
    );
  });

  it('causes an error of its own class when it is killed before it is ready', async () => {
    await expect(start("process.kill(process.pid, 'SIGKILL');")).rejects.toThrow(KilledEarly);
  });

  it('is killed when it does not end in time', async () => {
    const service = await start(`process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); ${ready}`);
    await service.close(50);
    expect(await service.ended).toBe('signal SIGKILL');
  });

  it('passes on its output line by line', async () => {
    const lines: string[] = [];
    const service = await start(`console.log('one'); console.error('two\\nthree'); ${ready}`, (line) =>
      lines.push(line),
    );
    await service.close();
    expect(lines.toSorted()).toEqual(['one', 'three', 'two']);
  });
});
