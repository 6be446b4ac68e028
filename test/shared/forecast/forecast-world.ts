/** A local hub for tests of the forecast. Each test uses its own module and devices on this hub. */
import { systemClock } from '../../../shared/clock.ts';
import { type Forecast, type ForecastProgress, forecast } from '../../../shared/forecast/index.ts';
import type { BlastRadius } from '../../../shared/guards/index.ts';
import { connectToHub } from '../../../shared/hub/index.ts';
import { type PolicyDefinition, toPolicySet } from '../../../shared/policy/index.ts';
import type { JsonObject } from '../../../shared/twin/index.ts';
import { startTestHub } from '../../infra/local/hub/hub-client.ts';

export const budget = { tier: 'S1', units: 1, share: 0.5, messageShare: 1 } as const;
export const unlimited: BlastRadius = { type: 'count', count: 1_000_000 };

/** Starts one hub that all tests of a file share. */
export async function startForecastWorld() {
  const hub = await startTestHub();
  const hubClient = connectToHub(
    { connectionString: hub.connectionString('iothubowner').replace('localhost', `localhost:${hub.httpsPort}`) },
    { ca: hub.ca, firstDelay: 1, longestDelay: 5, budget: { tier: 'S3', units: 10, share: 1 } },
  );
  return {
    hub,
    hubClient,

    /** Returns the forecast for these policies. */
    predict(
      definitions: readonly PolicyDefinition[],
      limit = unlimited,
      onProgress: (progress: ForecastProgress) => void = () => {},
    ): Promise<Forecast> {
      const policies = toPolicySet(definitions, { mode: 'enforce' });
      return forecast({ policies, hub: hubClient, budget, limit, clock: systemClock, onProgress });
    },

    /** Adds the devices `<module><suffix>-1` to `<module><suffix>-<count>` to the hub. */
    async addDevices(module: string, count: number, tags: JsonObject = {}, suffix = ''): Promise<void> {
      const ids = range(1, count).map((index) => `${module}${suffix}-${index}`);
      for (let from = 0; from < ids.length; from += 100) {
        await hub.operator.addDevices(ids.slice(from, from + 100).map((deviceId) => ({ deviceId, tags })) as never);
      }
    },

    /** Adds the module to the devices `<module><suffix>-<number>`. Throws where the hub does not create a module. */
    async addModules(
      module: string,
      numbers: readonly number[],
      desired: JsonObject | ((index: number) => JsonObject),
      suffix = '',
    ): Promise<void> {
      const answers = await hubClient.createModules(
        numbers.map((index) => ({
          deviceId: `${module}${suffix}-${index}`,
          moduleId: module,
          tags: {},
          desired: typeof desired === 'function' ? desired(index) : desired,
        })),
      );
      const failed = answers.filter(({ ok }) => !ok);
      if (failed.length > 0) throw new Error(`The hub did not create all modules: ${JSON.stringify(failed)}`);
    },

    /** Reads the module's twins on all devices. */
    async twinsOf(module: string): Promise<unknown> {
      return hubClient.queryPage(`SELECT * FROM devices.modules WHERE moduleId = '${module}'`);
    },

    close: () => hub.close(),
  };
}

export type ForecastWorld = Awaited<ReturnType<typeof startForecastWorld>>;

let modules = 0;

/** Returns a module name that no other test uses, and a policy for this module. The policy's scope is the devices `<module>-*`. */
export function newModule(definition: Partial<PolicyDefinition>): {
  readonly module: string;
  readonly policy: PolicyDefinition;
} {
  const module = `forecast${++modules}x`;
  return {
    module,
    policy: { name: `policy-${module}`, module, appliesTo: { deviceId: `${module}-*` }, ...definition },
  };
}

/** Returns the integers from `first` to `last`, both included. */
export function range(first: number, last: number): readonly number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
