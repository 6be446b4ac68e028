import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

interface HostJson {
  readonly extensions: {
    readonly eventHubs: Readonly<Record<string, unknown>>;
    readonly http: Readonly<Record<string, unknown>>;
  };
}

const hostJson = JSON.parse(await readFile(resolve(import.meta.dirname, '../../host.json'), 'utf8')) as HostJson;

/** The seconds of a .NET time span of the form `hh:mm:ss`. */
function seconds(span: unknown): number {
  const [, hours, minutes, rest] = /^(\d\d):(\d\d):(\d\d)$/.exec(String(span)) ?? [];
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(rest);
}

describe('host.json', () => {
  // The runtime reads both settings into `EventHubOptions`, directly from `extensions.eventHubs`. The defaults are 30 s and 120 s.
  it('lets another instance take the partitions of a crashed one within 40 seconds', () => {
    const { loadBalancingUpdateInterval: update, partitionOwnershipExpirationInterval: expiration } =
      hostJson.extensions.eventHubs;
    expect([update, expiration]).toEqual(['00:00:10', '00:00:30']);
    expect(seconds(expiration) + seconds(update)).toBeLessThanOrEqual(40);
  });

  // The SDK's guideline: with a shorter expiration, an instance loses its partitions before it renews them.
  it('keeps the ownership of a partition at least three times as long as the interval of its renewals', () => {
    const { loadBalancingUpdateInterval: update, partitionOwnershipExpirationInterval: expiration } =
      hostJson.extensions.eventHubs;
    expect(seconds(expiration)).toBeGreaterThanOrEqual(3 * seconds(update));
  });

  // Without these settings, the Premium and Dedicated plans have no limit.
  it('limits the requests that one instance answers at the same time, on every hosting plan', () => {
    expect(hostJson.extensions.http).toMatchObject({ maxConcurrentRequests: 100, maxOutstandingRequests: 200 });
  });
});
