import type { Registry } from 'azure-iothub';
import type { Clock } from '../../shared/clock.ts';
import { openRegistry } from '../../shared/hub/index.ts';
import { isJsonObject, type JsonObject } from '../../shared/twin/index.ts';
import type { BenchHub } from './bench-hub.ts';

export interface ScriptOptions {
  readonly hub: BenchHub;
  /** The hub's own. */
  readonly clock: Clock;
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly desired: JsonObject;
  readonly onDevice?: (devices: number) => void;
}

/**
 * The vendor's procedure (`Add-SecurityModulesForAllDevicesInIotHub.ps1`): asks for all devices, and for each one creates the module and
 * then patches its twin, one call after the other. A call that is refused with 429 is repeated after the time that the hub asks for.
 * Returns how many devices it has seen to.
 */
export async function runScript({ hub, clock, moduleId, tags, desired, onDevice }: ScriptOptions): Promise<number> {
  const registry = await openRegistry(hub.addressFor('iothubowner'), { idleTimeout: 60_000, ca: hub.ca });
  let devices = 0;
  for await (const deviceId of allDevices(registry, clock)) {
    await patiently(clock, () => registry.addModule({ deviceId, moduleId }));
    const twin = { tags, properties: { desired } };
    await patiently(clock, () => registry.updateModuleTwin(deviceId, moduleId, twin, '*'));
    devices += 1;
    onDevice?.(devices);
  }
  return devices;
}

async function* allDevices(registry: Registry, clock: Clock): AsyncGenerator<string> {
  let continuation: string | undefined;
  do {
    const query = registry.createQuery('SELECT * FROM devices', 1000);
    const { result } = await patiently(clock, () => query.next(continuation as string));
    for (const { deviceId } of (result as readonly unknown[]).filter(isJsonObject)) {
      if (typeof deviceId === 'string') yield deviceId;
    }
    const next: unknown = query.continuationToken;
    continuation = typeof next === 'string' && next !== '' ? next : undefined;
  } while (continuation !== undefined);
}

async function patiently<T>(clock: Clock, call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const { response } = error as {
        readonly response?: { readonly statusCode?: number; readonly headers?: Readonly<Record<string, string>> };
      };
      if (response?.statusCode !== 429) throw error;
      await clock.sleep(Number(response.headers?.['retry-after'] ?? 1) * 1000);
    }
  }
}
