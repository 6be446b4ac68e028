import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLog } from '../../../../infra/local/host/log.ts';
import {
  connectionString,
  parseTimeSpan,
  readHostJson,
  resolveExpressions,
} from '../../../../infra/local/host/settings.ts';

describe('a time span', () => {
  it('is parsed as .NET writes it', () => {
    const parts = fc.tuple(fc.nat(99), fc.nat(23), fc.nat(59), fc.nat(59), fc.nat(999));
    fc.assert(
      fc.property(parts, ([days, hours, minutes, seconds, ms]) => {
        const two = (value: number) => String(value).padStart(2, '0');
        const written = `${days}.${two(hours)}:${two(minutes)}:${two(seconds)}.${String(ms).padStart(3, '0')}`;
        expect(parseTimeSpan(written)).toBe((((days * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000 + ms);
      }),
    );
    expect(parseTimeSpan('00:05')).toBe(300_000);
    expect(parseTimeSpan('-1')).toBe(Number.POSITIVE_INFINITY);
  });

  it.each(['', '5', '00:61:00', 'soon', '00:00:00:00'])('is not %j', (text) => {
    expect(parseTimeSpan(text)).toBeUndefined();
  });
});

describe('a trigger option', () => {
  it('has all its expressions replaced by settings', () => {
    const options = { queueName: '%A%-%B%', route: 'plain', count: 3 };
    expect(resolveExpressions('f', options, { A: '1', B: '%A%' })).toEqual({
      queueName: '1-%A%',
      route: 'plain',
      count: 3,
    });
  });

  it('fails with the names of function, option and missing setting', () => {
    expect(() => resolveExpressions('sweep', { schedule: '%WHEN%' }, {})).toThrow(
      'Function "sweep": schedule is %WHEN%, but there is no setting WHEN.',
    );
  });

  it('finds its connection as the runtime does', () => {
    expect(connectionString('f', 'Storage', { AzureWebJobsStorage: 'a', Storage: 'b' })).toBe('a');
    expect(connectionString('f', 'Mine', { Mine: 'b' })).toBe('b');
    expect(() => connectionString('f', 'Mine', { Mine: '' })).toThrow('Function "f": there is no setting Mine');
  });
});

describe('host.json', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'host-json-'));
  });
  afterEach(() => rm(folder, { recursive: true }));
  const read = async (content: object) => {
    await writeFile(join(folder, 'host.json'), JSON.stringify(content));
    return readHostJson(folder);
  };

  it('has the defaults of the runtime when it is empty or missing', async () => {
    expect(readHostJson(folder)).toEqual(await read({}));
    expect(readHostJson(folder)).toMatchObject({
      routePrefix: 'api',
      eventHubs: {
        maxEventBatchSize: 100,
        prefetchCount: 300,
        batchCheckpointFrequency: 1,
        initialOffset: 'fromStart',
        loadBalancingUpdateIntervalMs: 30_000,
        partitionOwnershipExpirationIntervalMs: 120_000,
      },
      queues: {
        batchSize: 16,
        newBatchThreshold: 8,
        visibilityTimeoutMs: 0,
        maxDequeueCount: 5,
        messageEncoding: 'base64',
      },
    });
  });

  it('overrides the defaults', async () => {
    const extensions = {
      http: { routePrefix: '' },
      queues: { maxPollingInterval: '00:00:02', messageEncoding: 'None', batchSize: 99 },
      eventHubs: {
        initialOffsetOptions: { type: 'FromEnqueuedTime', enqueuedTimeUtc: '2026-01-01T00:00:00Z' },
        loadBalancingUpdateInterval: '00:00:10',
        partitionOwnershipExpirationInterval: '00:00:30',
      },
    };
    expect(await read({ functionTimeout: '-1', extensions })).toMatchObject({
      functionTimeoutMs: Number.POSITIVE_INFINITY,
      routePrefix: '',
      queues: { maxPollingIntervalMs: 2000, messageEncoding: 'none', batchSize: 32 },
      eventHubs: {
        initialOffset: { enqueuedOn: new Date('2026-01-01T00:00:00Z') },
        loadBalancingUpdateIntervalMs: 10_000,
        partitionOwnershipExpirationIntervalMs: 30_000,
      },
    });
  });

  it.each([
    [{ extensions: { eventHubs: { maxEventBatchSize: 0 } } }, 'extensions.eventHubs.maxEventBatchSize is 0'],
    [{ extensions: { queues: { visibilityTimeout: 30 } } }, 'extensions.queues.visibilityTimeout is 30'],
    [{ extensions: { queues: { messageEncoding: 'utf8' } } }, 'must be one of base64, none'],
  ])('is refused with path and value: %j', async (content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });
});

describe('the log', () => {
  const lines = (logLevel: Record<string, string>) => {
    const written: string[] = [];
    const log = createLog(logLevel, (line) => written.push(line));
    log('debug', 'sweep', 'a');
    log('warning', 'sweep', 'b');
    log('debug', 'other', 'c');
    log('information', 'host', 'd');
    return written.map((line) => line.trim().split(' ').slice(1).join(' '));
  };

  it('uses the most specific level', () => {
    expect(lines({})).toEqual(['warning sweep b', 'information host d']);
    expect(lines({ default: 'Warning', 'Function.sweep.User': 'Debug' })).toEqual(['debug sweep a', 'warning sweep b']);
    expect(lines({ default: 'None', Function: 'Debug' })).toEqual([
      'debug sweep a',
      'warning sweep b',
      'debug other c',
    ]);
  });
});
