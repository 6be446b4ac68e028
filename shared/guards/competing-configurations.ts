import type { Clock } from '../clock.ts';
import type { Departure } from '../drift/index.ts';
import type { Twin } from '../twin/index.ts';
import { cached } from './cached.ts';
import type { CompetingSetting } from './competing-settings.ts';
import type { Guard } from './guard.ts';
import type { GuardStore } from './guard-store.ts';
import type { HeldRow } from './held-row.ts';
import { targetPredicate } from './target-condition.ts';

/** Milliseconds for which an instance of the app caches the competing settings. */
const settingsLifetime = 10_000;

/**
 * Creates the guard against competing configurations. The guard holds a repair back when an automatic configuration of the hub targets the
 * twin and sets the property to another value. The guard allows all repairs of a policy with `overrideConfigurations`. The guard uses the
 * competing settings that the last sweep stored. `review` throws when storage does not answer.
 */
export function competingGuard({ store, clock }: { readonly store: GuardStore; readonly clock: Clock }): Guard {
  const competitors = cached(async () => competitorsByPath(await store.competing()), settingsLifetime, clock);
  return {
    async review({ departures, twins }) {
      const byPath = await competitors();
      const held = new Map<Departure, string>();
      for (const departure of departures) {
        const twin = twins.get(departure.moduleId);
        if (departure.kind === 'missingModule' || twin === undefined) continue;
        const competitor = byPath
          .get(policyPathKey(departure.policy, departure.path))
          ?.find(({ targets }) => targets(twin));
        if (competitor !== undefined) held.set(departure, reasonFor(competitor.setting));
      }
      return held;
    },

    async stillHeld(rows) {
      const byPath = await competitors();
      const isHeld = ({ policy, path, error }: HeldRow) =>
        byPath.get(policyPathKey(policy, path))?.some(({ setting }) => reasonFor(setting) === error) === true;
      return new Set(rows.filter(isHeld));
    },
  };
}

/** A competing setting, and a function that returns whether the setting's configuration targets a twin. */
interface Competitor {
  readonly setting: CompetingSetting;
  readonly targets: (twin: Twin) => boolean;
}

/**
 * Groups the competing settings by policy and path. Leaves out the settings that a policy overrides. Sorts the settings of one path by
 * priority, and then by configuration id. The reason for holding a repair back therefore always names the same configuration.
 */
function competitorsByPath(settings: readonly CompetingSetting[]): ReadonlyMap<string, readonly Competitor[]> {
  const predicates = new Map<string, (twin: Twin) => boolean>();
  const competitors = settings
    .filter(({ overridden }) => !overridden)
    .toSorted((a, b) => b.priority - a.priority || (a.configuration < b.configuration ? -1 : 1))
    .map((setting): Competitor => {
      const targets = predicates.get(setting.targetCondition) ?? targetPredicate(setting.targetCondition);
      predicates.set(setting.targetCondition, targets);
      return { setting, targets };
    });
  return Map.groupBy(competitors, ({ setting }) => policyPathKey(setting.policy, setting.path));
}

function policyPathKey(policy: string, path: string): string {
  return JSON.stringify([policy, path]);
}

function reasonFor({ configuration, policy }: CompetingSetting): string {
  return (
    `competingConfiguration: the hub's configuration ${configuration} sets this property to another value. Remove the property from the ` +
    `configuration, or set overrideConfigurations in policy ${policy}.`
  );
}
