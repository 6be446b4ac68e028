import type { Registry } from 'azure-iothub';
import type { Clock } from '../../shared/clock.ts';
import { openRegistry } from '../../shared/hub/index.ts';
import { isJsonObject, type JsonObject } from '../../shared/twin/index.ts';
import type { BenchHub } from './bench-hub.ts';

export interface ScriptOptions {
  readonly hub: BenchHub;
  /** The clock that the hub uses. */
  readonly clock: Clock;
  readonly moduleId: string;
  readonly tags: JsonObject;
  readonly desired: JsonObject;
  /** Called after each device, with the number of devices that are done. */
  readonly onDevice?: (devices: number) => void;
}

/**
 * Does what the vendor's script `Add-SecurityModulesForAllDevicesInIotHub.ps1` does: queries all devices, creates the module on each device
 * and patches the module's twin. Makes one call at a time. If the hub refuses a call with 429, repeats it after the time in the response's
 * `Retry-After`. Returns the number of devices.
 */
export async function runVendorScript({
  hub,
  clock,
  moduleId,
  tags,
  desired,
  onDevice,
}: ScriptOptions): Promise<number> {
  const registry = await openRegistry(hub.addressFor('iothubowner'), { idleTimeout: 60_000, ca: hub.ca });
  let devices = 0;
  for await (const deviceId of allDevices(registry, clock)) {
    await retryThrottled(clock, () => registry.addModule({ deviceId, moduleId }));
    const twin = { tags, properties: { desired } };
    await retryThrottled(clock, () => registry.updateModuleTwin(deviceId, moduleId, twin, '*'));
    devices += 1;
    onDevice?.(devices);
  }
  return devices;
}

async function* allDevices(registry: Registry, clock: Clock): AsyncGenerator<string> {
  let continuation: string | undefined;
  do {
    const query = registry.createQuery('SELECT * FROM devices', 1000);
    const { result } = await retryThrottled(clock, () => query.next(continuation as string));
    for (const { deviceId } of (result as readonly unknown[]).filter(isJsonObject)) {
      if (typeof deviceId === 'string') yield deviceId;
    }
    const next: unknown = query.continuationToken;
    continuation = typeof next === 'string' && next !== '' ? next : undefined;
  } while (continuation !== undefined);
}

/** Makes a call, and repeats it as long as the hub refuses it with 429. */
async function retryThrottled<T>(clock: Clock, call: () => Promise<T>): Promise<T> {
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
