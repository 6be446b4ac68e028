import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import { getAt, isJsonObject, parsePath, type Twin } from '../twin/index.ts';
import { cached } from './cached.ts';
import type { CompetingSetting } from './competing-settings.ts';
import type { Guard, Review } from './guard.ts';
import type { GuardStore } from './guard-store.ts';
import type { HeldRow } from './held-row.ts';
import { targetPredicate } from './target-condition.ts';

/** Milliseconds for which an instance of the app caches the competing settings. */
const settingsLifetime = 10_000;

/**
 * A write counts as newer than the last read of the configurations until it is this number of milliseconds older. The hub's clock and the
 * app's clock may differ, and the configurations are stored some time after they were read.
 */
const clockSkew = 60_000;

export interface CompetingDependencies {
  readonly store: GuardStore;
  /** Whether a policy has `overrideConfigurations`. */
  readonly overridesConfigurations: (policy: string) => boolean;
  readonly clock: Clock;
}

/**
 * Creates the guard against competing configurations. The guard holds a repair back in two cases:
 *
 * - The last sweep found that a configuration of the hub targets the twin, and sets the property to another value.
 * - The twin names the configuration that wrote the value, and no sweep has read the configurations since then. The next sweep decides
 *   whether the configuration competes.
 *
 * The guard allows all repairs of a policy with `overrideConfigurations`. `review` throws when storage does not answer.
 */
export function competingGuard({ store, overridesConfigurations, clock }: CompetingDependencies): Guard {
  const competitors = cached(async () => competitorsOf(await store.competing()), settingsLifetime, clock);
  const configurationsReadAt = cached(() => store.configurationsReadAt(), settingsLifetime, clock);

  /** The id of the configuration that wrote the value, when no sweep has read the configurations since the write. */
  async function newWriter({ policy, write }: Departure): Promise<string | undefined> {
    if (write.by === undefined || overridesConfigurations(policy)) return undefined;
    const readAt = await configurationsReadAt();
    return readAt === undefined || Date.parse(write.at) > readAt.getTime() - clockSkew ? write.by : undefined;
  }

  return {
    async review(review) {
      const { departures, twins } = review;
      const competitorsFor = await competitors();
      const held = new Map<Departure, string>();
      for (const departure of departures) {
        const twin = twins.get(departure.moduleId);
        if (departure.kind === 'missingModule' || twin === undefined) continue;
        const known = competitorsFor(departure).filter(({ setting }) => repairs(departure, setting));
        const configuration = (await targeting(known, twin, review)) ?? (await newWriter(departure));
        if (configuration !== undefined) held.set(departure, reasonFor(configuration, departure.policy));
      }
      return held;
    },

    async stillHeld(rows) {
      const competitorsFor = await competitors();
      // A change of the device's tags does not change the module's twin. Twins that a deployment targets are therefore read again.
      const isHeld = (row: HeldRow) =>
        competitorsFor(row).some(
          ({ setting: { about, configuration, policy } }) =>
            about !== 'edgeModule' && reasonFor(configuration, policy) === row.error,
        );
      return new Set(rows.filter(isHeld));
    },
  };
}

/** The id of the first configuration that targets a twin. `undefined` when none does. */
async function targeting(
  competitors: readonly Competitor[],
  twin: Twin,
  { readDeviceTwin }: Review,
): Promise<string | undefined> {
  for (const { setting, targets } of competitors) {
    if (setting.about !== 'edgeModule') {
      if (targets(twin)) return setting.configuration;
      continue;
    }
    // Without the device twin, the guard cannot check the condition, and assumes that the deployment targets the device.
    if (readDeviceTwin === undefined) return setting.configuration;
    const deviceTwin = await readDeviceTwin();
    if (deviceTwin?.edge && targets(deviceTwin)) return setting.configuration;
  }
  return undefined;
}

/** A competing setting, and a function that returns whether the setting's configuration targets a twin. */
interface Competitor {
  readonly setting: CompetingSetting;
  readonly targets: (twin: Twin) => boolean;
}

/** Returns the competitors for the path of a policy. Without a path, returns the competitors for all paths of the policy. */
type CompetitorsFor = (target: Pick<Departure, 'policy' | 'path'>) => readonly Competitor[];

/** Whether the repair of a departure writes the path of a setting. The repair of a missing baseline writes many paths. */
function repairs({ path, expected }: Departure, setting: CompetingSetting): boolean {
  return path !== '' || (isJsonObject(expected) && getAt(expected, parsePath(setting.path)) !== undefined);
}

/**
 * Finds competing settings by policy and path. Leaves out the settings that a policy overrides. Sorts the settings by priority, and then by
 * configuration id. The reason for holding a repair back therefore always names the same configuration.
 */
function competitorsOf(settings: readonly CompetingSetting[]): CompetitorsFor {
  const predicates = new Map<string, (twin: Twin) => boolean>();
  const competitors = settings
    .filter(({ overridden }) => !overridden)
    .toSorted((a, b) => b.priority - a.priority || (a.configuration < b.configuration ? -1 : 1))
    .map((setting): Competitor => {
      const targets = predicates.get(setting.targetCondition) ?? targetPredicate(setting.targetCondition);
      predicates.set(setting.targetCondition, targets);
      return { setting, targets };
    });
  const byPolicy = Map.groupBy(competitors, ({ setting }) => setting.policy);
  const byPath = Map.groupBy(competitors, ({ setting }) => policyPathKey(setting.policy, setting.path));
  return ({ policy, path }) => (path === '' ? byPolicy.get(policy) : byPath.get(policyPathKey(policy, path))) ?? [];
}

function policyPathKey(policy: string, path: string): string {
  return JSON.stringify([policy, path]);
}

function reasonFor(configuration: string, policy: string): string {
  return (
    `competingConfiguration: the hub's configuration ${configuration} sets this property to another value. Remove the property from the ` +
    `configuration, or set overrideConfigurations in policy ${policy}.`
  );
}
